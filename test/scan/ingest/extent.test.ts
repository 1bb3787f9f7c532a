/** An extent whose scanner and slow path are not to be trusted. */
import t from 'tap'
import { ENTRY, RESULT } from '../../../src/memory/extent-ring.ts'
import { Extent } from '../../../src/scan/extent.ts'
import { compileKernel } from '../../../src/scan/kernel.ts'
import { guarded } from '../../../src/scan/slow-path.ts'
import type { SourceKernel } from '../../../src/scan/kernel.ts'
import { compileRouter } from '../../../src/scan/where.ts'
import type { WhereSpec } from '../../../src/scan/where.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { ExtentRig } from '../../helpers/extent-rig.ts'
import type { RigAnswer, RigLimits } from '../../helpers/extent-rig.ts'

const RECORD = '{"a":1}'

/** An extent of one run of lines, opened for a kernel of which a part is replaced. */
function openExtent(
  count: number,
  kernel: Partial<SourceKernel> = {},
  limits: RigLimits = {},
  filters: WhereSpec[] = [],
) {
  const rig = new ExtentRig()
  rig.layOut([{ bytes: `${RECORD}\n`.repeat(count) }], limits)
  const source = {
    name: 'rig',
    ring: rig.ring.buffer,
    schema: builtinSpecs.any,
    maxRecordBytes: 100,
    maxDepth: 8,
  }
  const extent = new Extent(rig.arena, filters.length > 0 ? compileRouter(filters) : null, rig.control, false)
  extent.open({ ...compileKernel(source, 0, rig.arena), ...kernel }, rig.ring, 0)
  extent.beginRun(0, false)
  const recordAt = (index: number): number => rig.from + index * (RECORD.length + 1)
  return {
    rig,
    extent,
    recordAt,
    accept: (index: number, severity = 0): boolean =>
      extent.accept(recordAt(index), recordAt(index) + RECORD.length, severity, Number.NaN, false),
    seal: (): RigAnswer => {
      extent.endRun(0, 0)
      extent.seal()
      return rig.read(1, extent.errors ?? [])
    },
  }
}

t.test('a scanner that errs is found out, and JSON.parse decides', async (t) => {
  const { accept, seal } = openExtent(10_000)
  for (let i = 0; i < 10_000; i++) accept(i, 7)
  const answer = seal()
  t.equal(answer.crossChecked, 2)
  t.equal(answer.crossFailed, 2)
  t.equal(answer.records[4095]!.severity, 0)
  t.equal(answer.records[4096]!.severity, 7)
})

t.test('a scanner that accepts what is none is found out as well', async (t) => {
  const refusing = compileKernel(
    {
      name: 'rig',
      ring: new SharedArrayBuffer(512),
      schema: builtinSpecs.soc,
      maxRecordBytes: 100,
      maxDepth: 8,
    },
    0,
    new ExtentRig().arena,
  )
  const { accept, seal, extent } = openExtent(5000, { slowPath: refusing.slowPath })
  for (let i = 0; i < 4095; i++) accept(i)
  t.equal(accept(4095), true)
  t.equal(extent.errors![0]!.category, 'schema_violation')
  t.same(seal().rejectedBy, { schema_violation: 1 })
})

t.test('a slow path that fails refuses the record', async (t) => {
  const { extent, recordAt, seal } = openExtent(1, { slowPath: { decide: guarded(fail) } })
  t.equal(extent.decide(recordAt(0), recordAt(0) + RECORD.length), true)
  const answer = seal()
  t.same(answer.rejectedBy, { processing_failure: 1 })
  t.equal(answer.letters[0]!.record, RECORD)
})

t.test('a record that is looked at for its route is a suspect too', async (t) => {
  const filters = [{ a: { eq: 1 } }]
  const first = openExtent(2, {}, {}, filters)
  first.accept(0)
  t.equal(first.rig.ring.slowCount(0), 1)
  t.equal(first.seal().records[0]!.route, 1)

  const stopped = openExtent(2, {}, { stopAt: first.recordAt(1) }, filters)
  t.equal(stopped.accept(0), true)
  t.equal(stopped.accept(1), false)
  t.equal(stopped.extent.result, RESULT.LIMIT)

  const bySeverity = openExtent(1, {}, {}, [{ severity: { gte: 5 } }, { severity: { gte: 3 } }])
  bySeverity.accept(0, 4)
  t.equal(bySeverity.rig.ring.slowCount(0), 0, 'not for the severity alone')
  t.equal(bySeverity.seal().records[0]!.route, 2)
})

t.test('a suspect is not cross-checked either', async (t) => {
  const { accept, extent } = openExtent(5000, {}, { stopAt: 1024 + 4095 * (RECORD.length + 1) })
  for (let i = 0; i < 4095; i++) accept(i)
  t.equal(accept(4095), false)
  t.equal(extent.result, RESULT.LIMIT)
})

t.test('a cross-check without room is none', async (t) => {
  const { accept, extent, rig, seal } = openExtent(5000, { slowPath: { decide: refuse } }, { outBytes: 500 })
  const word = rig.ring.base(0) + ENTRY.OUT_TO
  t.equal(rig.ring.words[word]! > 0, true)
  for (let i = 0; i < 2; i++) extent.reject(rig.from, rig.from + 7, 'malformed_json', '', 'x')
  for (let i = 0; i < 4095; i++) accept(i)
  t.equal(accept(4095), false)
  t.equal(extent.result, RESULT.OUTPUT_FULL)
  t.equal(seal().crossChecked, 0)
})

function fail(): never {
  throw new RangeError('Maximum call stack size exceeded')
}

function refuse() {
  return {
    accepted: false,
    severity: 0,
    timeMs: Number.NaN,
    rawBreaks: false,
    category: 'schema_violation' as const,
    path: '',
    expected: 'must be something else',
  }
}
