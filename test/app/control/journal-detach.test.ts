import t from 'tap'
import { detachHandler } from '../../../src/app/control/journal-detach.ts'

const config = { sinks: [{ name: 'siem' }] }

t.test('a sink that has left is given up', async (t) => {
  const detached: string[] = []
  const journal = {
    leftSinks: ['old', 'older'],
    async detach(sink: string) {
      detached.push(sink)
      return sink === 'old' ? { discarded: 7, internal: true } : null
    },
  }
  const handler = detachHandler(config, journal)
  t.same(await handler({ sink: 'old' }), { discarded: 7 })
  t.same(await handler({ sink: 'older' }), { discarded: 0 })
  t.same(detached, ['old', 'older'])
  await t.rejects(handler({ sink: 'siem' }), { code: 'SPW_ERR_SINK_CONFIGURED' })
  for (const body of [{ sink: 'toString' }, {}, null, { sink: 5 }]) {
    await t.rejects(handler(body), { code: 'SPW_ERR_SINK_UNKNOWN', message: /those that have: old, older$/ })
  }
})

t.test('in memory nothing is kept', async (t) => {
  const handler = detachHandler(config, null)
  await t.rejects(handler({ sink: 'old' }), { code: 'SPW_ERR_SINK_UNKNOWN', message: /: none$/ })
})
