/** The witness of the torture is only worth something if it can say no. */
import t from 'tap'
import { FIRST_NUMBER } from '../../bench/load/tally.ts'
import { parsePlan } from '../../bench/torture/plan.ts'
import { bodyOf, countWellFormed, isFor } from '../../bench/torture/numbered-events.ts'
import { Witness } from '../../bench/torture/witness.ts'

const GOOD = { duplicates: 0, stale: 0, repeated: 0, strange: 0, refused: 0, missing: 0 }

t.test('what was acknowledged and did not come is missing; what was only sent is not', async (t) => {
  const witness = Witness.create(300, 2)
  witness.sent(0, 200)
  witness.acknowledged(0, 100)
  const wanted = [0, 1].map((sink) => Array.from({ length: 100 }, (_, n) => n).filter((n) => isFor(sink, n)))
  t.equal(wanted[0]!.length, 99, 'one is malformed')
  t.ok(wanted[1]!.length < 99, 'the second gets some of them')
  for (const sink of [0, 1]) {
    for (const index of wanted[sink]!.slice(1)) witness.received(sink, FIRST_NUMBER + index, 10)
    t.strictSame([...witness.missing(sink)], [FIRST_NUMBER + wanted[sink]![0]!])
    witness.received(sink, FIRST_NUMBER + wanted[sink]![0]!, 20)
    t.strictSame(witness.receivedBy(sink), { ...GOOD, unique: wanted[sink]!.length })
  }
  t.strictSame([...witness.refusals()], [FIRST_NUMBER + 96])
  t.strictSame(witness.told(), { sent: 200, acknowledged: 100 })
})

t.test('what should not come is strange', async (t) => {
  const witness = Witness.create(300, 2)
  witness.sent(0, 100)
  for (const number of [FIRST_NUMBER + 100, FIRST_NUMBER + 96, FIRST_NUMBER - 1, FIRST_NUMBER + 5000])
    witness.received(0, number, 0)
  t.match(witness.receivedBy(0), { unique: 0, strange: 4 }, 'not sent, malformed, no number of ours')
  witness.received(1, FIRST_NUMBER, 0)
  t.match(witness.receivedBy(1), { unique: 0, strange: 1 }, 'not for this sink')
})

t.test('a duplicate is to be expected around a kill, and only there', async (t) => {
  const witness = Witness.create(10, 1)
  witness.sent(0, 10)
  const twice = (index: number, firstAtMs: number, againAtMs: number) => {
    witness.received(0, FIRST_NUMBER + index, firstAtMs)
    witness.received(0, FIRST_NUMBER + index, againAtMs)
  }
  twice(0, 1000, 1100)
  t.match(witness.receivedBy(0), { duplicates: 1, repeated: 1, stale: 0 }, 'without a kill')
  witness.killed(5000)
  twice(1, 4900, 6000)
  twice(2, 5100, 6000)
  t.match(witness.receivedBy(0), { duplicates: 3, repeated: 1, stale: 0 }, 'what was under way')
  twice(3, 2000, 6000)
  t.match(witness.receivedBy(0), { duplicates: 4, repeated: 1, stale: 1 }, 'settled long before')
  twice(4, 7000, 8000)
  t.match(witness.receivedBy(0), { duplicates: 5, repeated: 2, stale: 1, unique: 5 }, 'after the kill')
})

t.test('events say what their number decides', async (t) => {
  const events = bodyOf(90, 10)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.strictSame(
    events.map(({ seq }) => seq),
    Array.from({ length: 10 }, (_, n) => FIRST_NUMBER + 90 + n),
  )
  t.equal(events.filter(({ severity }) => severity <= 10).length, countWellFormed(90, 10))
  for (const [n, { severity }] of events.entries()) t.equal(isFor(1, 90 + n), severity >= 4 && severity <= 10)
})

t.test('a plan that cannot be is refused in words', async (t) => {
  const defaults = { seed: 7, parent: '/nowhere' }
  t.match(parsePlan([], defaults), { scenario: 'kills', kills: 50, seed: 7, sinks: 2, mode: 'disk' })
  t.match(parsePlan(['--dead-sink', '--memory', '--seconds', '2'], defaults), {
    scenario: 'dead-sink',
    mode: 'memory',
    seconds: 2,
  })
  t.throws(() => parsePlan(['--kills', '0'], defaults), /--kills: a whole number from 1 to 1000, not 0/)
  t.throws(() => parsePlan(['--sinks', '3'], defaults), /--sinks/)
  t.throws(() => parsePlan(['--bit-flips', '--full-disk'], defaults), /one at a time/)
})
