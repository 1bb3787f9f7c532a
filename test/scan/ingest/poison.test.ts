import t from 'tap'
import { ExtentRing, RESULT, STATE } from '../../../src/memory/extent-ring.ts'
import { RUN_BEGIN } from '../../../src/memory/frame-region.ts'
import { AUTO, DOCUMENTS, ExtentRig } from '../../helpers/extent-rig.ts'
import type { RigRun } from '../../helpers/extent-rig.ts'

const DIED = { message: 'died' }
/** The second record takes the slow path: a key with an escape. */
const SLOW = '{"\\u0061":1}'
const schema = {
  name: 'keyed',
  schema: { type: 'object', properties: { a: { type: 'number' } } },
  version: '',
  declaresLogs: false,
}
const EXTENTS: Record<string, RigRun> = {
  lines: { bytes: `{"a":1}\n${SLOW}\n{"a":3}\n` },
  'an array': { bytes: `[{"a":1},${SLOW},{"a":3}]\n`, kind: DOCUMENTS },
}

for (const [name, run] of Object.entries(EXTENTS)) {
  t.test(name, async (t) => {
    const rig = new ExtentRig({ schema })
    const suspect = rig.from + String(run.bytes).indexOf(SLOW)

    t.test('the record that a worker died on is known', async (t) => {
      rig.layOut([run])
      t.teardown(dieAt('leaveSlow', 2))
      t.throws(() => rig.ingestor.ingest(0, 0), DIED)
      t.equal(rig.ring.state(0), STATE.WORKING)
      t.equal(rig.ring.slowRecord(0), suspect)
      t.equal(rig.ring.slowCount(0), 1)
    })

    t.test('what stands before it goes first', async (t) => {
      const before = rig.ingest([run], { stopAt: suspect })
      t.equal(before.result, RESULT.LIMIT)
      t.equal(before.consumed, suspect - rig.from)
      t.same(
        before.records.map(({ text }) => text),
        ['{"a":1}'],
      )
    })

    t.test('then it is tried alone, or refused unread, and the rest goes on', async (t) => {
      const before = rig.ingest([run], { stopAt: suspect })
      const rest = { ...run, bytes: String(run.bytes).slice(before.consumed), state: before.runs[0]!.state }
      const alone = rig.ingest([rest], { recordLimit: 1 })
      t.equal(alone.result, RESULT.LIMIT)
      t.same(
        alone.records.map(({ text }) => text),
        [SLOW],
      )

      const condemned = rig.ingest([rest], { recordLimit: 1, condemned: true })
      t.equal(condemned.result, RESULT.LIMIT)
      t.same(condemned.rejectedBy, { processing_failure: 1 })
      t.equal(condemned.letters[0]!.record, SLOW)
      t.equal(condemned.counts.undecided, 0)
      t.equal(rig.ring.slowCount(0), 0, 'JSON.parse has not seen it')
      t.equal(condemned.consumed, alone.consumed)

      const behind = rig.ingest([
        { ...rest, bytes: rest.bytes.slice(condemned.consumed), state: condemned.runs[0]!.state },
      ])
      t.equal(behind.result, RESULT.DONE)
      t.same(
        behind.records.map(({ text }) => text),
        ['{"a":3}'],
      )
    })
  })
}

t.test('only the first record is condemned', async (t) => {
  const rig = new ExtentRig()
  const answer = rig.ingest([{ bytes: '[{"a":1},{"a":2}]\n', kind: DOCUMENTS }], { condemned: true })
  t.same(answer.rejectedBy, { processing_failure: 1 })
  t.same(
    answer.records.map(({ text }) => text),
    ['{"a":2}'],
  )
})

t.test('an extent that a worker died in is done anew, with the same answer', async (t) => {
  const rig = new ExtentRig({ schema })
  const runs = [
    { bytes: `\uFEFF\n\n{"a":1}\n\n${SLOW}\nnope\n{"a":2}\n`, kind: RUN_BEGIN },
    { bytes: `\uFEFF[{"a":3},\n${SLOW}]\n`, kind: DOCUMENTS },
    { bytes: `\uFEFF\n\n{"a":3}\n${SLOW}\n`, kind: AUTO },
  ]
  const expected = rig.ingest(runs)
  t.equal(expected.counts.undecided, 4)
  for (let death = 1; death <= 5; death++) {
    rig.layOut(runs)
    const revive = dieAt('leaveSlow', death)
    t.throws(() => rig.ingestor.ingest(0, 0), DIED)
    revive()
    rig.ring.setState(0, STATE.READY)
    const errors = rig.ingestor.ingest(0, 0) ?? []
    t.same(rig.read(runs.length, errors), expected, `after death ${death}`)
  }
})

/** The worker dies in the count-th call of a method of its ring. Returns what ends that. */
function dieAt(method: 'leaveSlow', count: number): () => void {
  const { prototype } = ExtentRing
  const original = prototype[method]
  let calls = 0
  prototype[method] = function (this: ExtentRing, entry: number): void {
    if (++calls === count) throw new Error('died')
    original.call(this, entry)
  }
  return () => {
    prototype[method] = original
  }
}
