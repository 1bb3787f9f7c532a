import { join } from 'node:path'
import t from 'tap'
import { readState } from '../../src/journal/state-file.ts'
import { DIRECTORY, LogRig } from './fixtures/log-rig.ts'
import { MadeJournal, events } from './fixtures/made-journal.ts'

t.test('the state knows what a sink that begins at the oldest frame is offered', async (t) => {
  const journal = new MadeJournal(['push'], [{ name: 'siem', inputs: [0] }]).begin()
  journal.frame({ source: 0, records: events('a', 5) })
  const rig = new LogRig(journal, ['push'], [{ name: 'siem' }, { name: 'fresh', from: 'oldest' }])
  await rig.log.open()
  const { state } = await readState(join(DIRECTORY, 'state'), rig.disk)
  const fresh = state!.checkpoint.sinks.find(({ name }) => name === 'fresh')
  t.same(fresh!.offered, [5, 0])
})
