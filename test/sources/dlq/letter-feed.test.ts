import t from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { LetterFeed } from '../../../src/sources/dlq/letter-feed.ts'
import type { OutgoingLetter } from '../../../src/sources/dlq/letter-feed.ts'
import { socEvent } from '../../helpers/soc-event.ts'
import { until } from '../../helpers/until.ts'
import { IntakeRig } from '../../pipeline/intake/fixtures/intake-rig.ts'

const RIG = { slabBytes: 256 * 1024, slabs: 12 }
const toOne = { rules: 1, meantFor: [1] }
const toAnother = { rules: 1, meantFor: [2] }

function letter(line: number, peer: string, terms = toOne): OutgoingLetter {
  return { id: { file: 'push.00000001.ndjson', line }, terms, peer, line: Buffer.from(`${socEvent(line)}\n`) }
}

const letters = [letter(1, 'a'), letter(2, 'a'), letter(3, 'b'), letter(4, 'b', toAnother), letter(5, 'b')]

void t.test('live events first, then in order, neighbours together', async (t) => {
  const rig = new IntakeRig(RIG)
  let busy = true
  const mustWait = () => (busy ? 'others wait' : null)
  const feed = new LetterFeed({ intake: rig.intake, clock: systemClock, rate: 1e6, mustWait })
  const sent = feed.send(letters)
  await until(() => feed.waitingFor === 'others wait')
  t.equal(rig.intake.uncommittedBytes, 0)
  busy = false
  await until(() => rig.intake.uncommittedBytes > 0)
  await rig.finish()
  t.equal(await sent, true)
  t.equal(feed.waitingFor, null)
  t.same(feed.counts, { accepted: 5, rejected: 0 })
  t.same(rig.committed, [
    { meantFor: [1], peers: ['a', 'b'] },
    { meantFor: [2], peers: ['b'] },
    { meantFor: [1], peers: ['b'] },
  ])
  t.equal(rig.stop(), 0)
})

void t.test('what is sent is waited for, unless it is abandoned', async (t) => {
  const rig = new IntakeRig(RIG)
  const feed = new LetterFeed({ intake: rig.intake, clock: systemClock, rate: 1e6, mustWait: () => null })
  const sent = feed.send(letters)
  await until(() => rig.intake.uncommittedBytes > 0)
  feed.stop()
  feed.stop(true)
  t.equal(await sent, false)
  t.equal(await feed.send(letters), false, 'nothing more is sent')
  await rig.finish()
  t.equal(rig.counts.received, 5)
  t.equal(rig.stop(), 0)
})

void t.test('a stop ends the wait for room and for tokens', async (t) => {
  const rig = new IntakeRig(RIG)
  const busy = new LetterFeed({ intake: rig.intake, clock: systemClock, rate: 1e6, mustWait: () => 'always' })
  const waiting = busy.send(letters)
  await until(() => busy.waitingFor === 'always')
  busy.stop()
  t.equal(await waiting, true)
  const slow = new LetterFeed({ intake: rig.intake, clock: systemClock, rate: 0.001, mustWait: () => null })
  const pacing = slow.send(letters)
  slow.stop()
  t.equal(await pacing, true)
  t.equal(rig.counts.received, 0)
  t.equal(rig.stop(), 0)
})
