import t from 'tap'
import { HEADER } from '../../../src/memory/frame-region.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { DOCUMENTS, ExtentRig, LINES, ingestExtent } from '../../helpers/extent-rig.ts'
import type { RigAnswer, RigRun } from '../../helpers/extent-rig.ts'
import { socEvent } from '../../helpers/soc-event.ts'

const event = (severity: number): string => socEvent(0, severity)
const lines = (severities: readonly number[]): string => severities.map((s) => `${event(s)}\n`).join('')

function shedding(below: number, runs: readonly RigRun[]): { rig: ExtentRig; answer: RigAnswer } {
  const rig = new ExtentRig({ schema: builtinSpecs.soc })
  rig.control.setShedBelow(below)
  return { rig, answer: rig.ingest(runs) }
}

t.test('events below the severity are shed, counted, and stand in no table', async (t) => {
  const { answer } = shedding(4, [
    { bytes: `${lines([5, 4, 3, 10, 8])}nope\n` },
    { bytes: `[${[3, 9, 9, 9].map(event).join(',')}]\n`, kind: DOCUMENTS },
  ])
  t.same(
    answer.records.map(({ severity, break: breaks }) => [severity, breaks]),
    [
      [5, false],
      [4, false],
      [10, true],
      [8, false],
      [9, true],
      [9, false],
      [9, false],
    ],
  )
  t.equal(answer.sent.replaceAll('\n ', '\n'), lines([5, 4, 10, 8, 9, 9, 9]))
  t.match(answer.counts, { records: 10, accepted: 7, rejected: 1, breaks: 2 })
  t.same(answer.shedBy, [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
  t.match(answer.runs, [
    { records: 6, accepted: 4, rejected: 1, shed: 1 },
    { records: 4, accepted: 3, rejected: 0, shed: 1 },
  ])
  t.equal(answer.letters.length, 1, 'what is shed is no dead letter')
})

t.test('nothing is shed unless it is said, nor when that is over', async (t) => {
  const { rig, answer } = shedding(0, [{ bytes: lines([0, 1, 2]) }])
  t.match(answer.counts, { records: 3, accepted: 3 })
  rig.control.setShedBelow(2)
  t.match(rig.ingest([{ bytes: lines([0, 1, 2]) }]).counts, { records: 3, accepted: 1 })
  rig.control.setShedBelow(0)
  t.match(rig.ingest([{ bytes: lines([0, 1, 2]) }]).counts, { records: 3, accepted: 3 })
})

t.test('an extent of which nothing is left tells its counts', async (t) => {
  const bytes = lines([1, 2]) + 'nope\n'
  const { rig, answer } = shedding(11, [{ bytes }])
  t.match(answer.counts, { records: 3, accepted: 0, rejected: 1 })
  const { words } = rig.arena
  const header = rig.region >> 2
  t.equal(words[header + HEADER.RECORDS], 0)
  t.equal(words[header + HEADER.BYTES], 0)
  t.equal(words[header + HEADER.RECEIVED_BYTES], bytes.length)
  t.same([...words.subarray(header + HEADER.SHED_BY, header + HEADER.SHED_BY + 11)], answer.shedBy)
  t.equal(words[header + HEADER.REJECTED_BY], 1)
})

t.test('where shed gaps prevail, records move together', async (t) => {
  const { answer } = shedding(5, [{ bytes: lines([1, 2, 3, 4, 6, 1, 1, 1, 7]) }])
  t.same(
    answer.records.map(({ offset }) => offset),
    [0, event(6).length + 1],
  )
  t.equal(answer.counts.breaks, 0)
  t.equal(answer.sent, lines([6, 7]))
})

t.test('what is shed takes no room in a table, and a refusal behind it has its index', async (t) => {
  const rig = new ExtentRig({ schema: builtinSpecs.soc })
  rig.control.setShedBelow(5)
  const answer = ingestExtent(rig, [{ bytes: `${lines([1, 6, 2, 7, 3])}nope\n`, kind: LINES }], {
    capacity: 1,
  })
  t.same(
    answer.accepted.map((text) => (JSON.parse(text) as { severity: number }).severity),
    [6, 7],
  )
  t.match(answer.runs, [{ records: 6, accepted: 2, rejected: 1, shed: 3 }])
  t.match(answer.errors, [{ index: 5, category: 'malformed_json' }])
  t.equal(answer.parts, 3)
})
