import t from 'tap'
import { detachHandler } from '../../../src/app/control/journal-detach.ts'

const config = { sinks: [{ name: 'siem' }] }

t.test('a sink that has left is given up', async (t) => {
  const detached: string[] = []
  const journal = {
    leftSinks: ['old', 'older', 'unlucky'],
    async detach(sink: string) {
      detached.push(sink)
      if (sink === 'unlucky') return { discarded: 1, durable: false }
      return sink === 'old' ? { discarded: 7, durable: true, internal: true } : null
    },
  }
  const handler = detachHandler(config, journal)
  t.same(await handler({ sink: 'old' }), { discarded: 7 })
  t.same(await handler({ sink: 'older' }), { discarded: 0 })
  t.same(detached, ['old', 'older'])
  await t.rejects(handler({ sink: 'unlucky' }), { code: 'SPW_ERR_DETACH_UNDURABLE' }, 'a crash could undo it')
  await t.rejects(handler({ sink: 'siem' }), { code: 'SPW_ERR_SINK_CONFIGURED' })
  for (const body of [{ sink: 'toString' }, {}, null, { sink: 5 }]) {
    await t.rejects(handler(body), {
      code: 'SPW_ERR_SINK_UNKNOWN',
      message: /those that have: old, older, unlucky$/,
    })
  }
})

t.test('in memory nothing is kept', async (t) => {
  const handler = detachHandler(config, null)
  await t.rejects(handler({ sink: 'old' }), { code: 'SPW_ERR_SINK_UNKNOWN', message: /: none$/ })
})
