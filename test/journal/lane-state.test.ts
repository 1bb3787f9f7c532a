import fc from 'fast-check'
import t from 'tap'
import type { Frame } from '../../src/journal/frame.ts'
import { laneState } from '../../src/journal/lane-state.ts'
import { BULK, FAST } from '../../src/journal/log.ts'
import type { RecordRange, TakenPart } from '../../src/journal/log.ts'
import { NOTHING_TO_RESUME, rangesOf } from '../../src/journal/track.ts'
import type { Track } from '../../src/journal/track.ts'
import { Window } from '../../src/journal/window.ts'
import { LANES_BOTH, LANES_FAST } from '../../src/memory/frame-region.ts'

const HEAD = { segment: 1, offset: 9000, sequence: 9 }
const RECORDS = 40

/** A cursor at the head of the log: everything was taken. */
function track(): Track {
  const window = new Window(
    () => {},
    () => {},
  )
  return {
    window,
    lanes: LANES_BOTH,
    backlog: null,
    resume: NOTHING_TO_RESUME,
    until: Infinity,
    reading: false,
  }
}

function frameAt(sequence: number): Frame {
  return {
    source: 0,
    sourceName: 'push',
    region: 0,
    runs: 0,
    bytesFrom: 0,
    bytesTo: 0,
    records: RECORDS,
    fast: 0,
    breaks: 0,
    firstTimeMs: 0,
    lastTimeMs: 0,
    receivedAtMs: 0,
    meantFor: null,
    routed: null,
    slab: 0,
    readBack: false,
    committedAtMs: 0,
    originSequence: sequence,
    position: { segment: 1, offset: 1000 * sequence, sequence },
    holders: 1,
    release() {},
  }
}

/** A range of a frame, or a pick of it. */
function partOf(sequence: number, chosen: RecordRange | readonly number[], lanes = LANES_BOTH): TakenPart {
  const ranges = [{ first: 0, end: RECORDS }]
  const of = { frame: frameAt(sequence), lanes, routeBit: 0, ranges, events: 0, fast: 0, unsettled: 0 }
  if ('first' in chosen) {
    const { first, end } = chosen
    return { of, first, count: end - first, pick: null, events: end - first, fast: 0 }
  }
  const pick = Uint16Array.from(chosen)
  const first = chosen[0]!
  return { of, first, count: chosen.at(-1)! + 1 - first, pick, events: chosen.length, fast: 0 }
}

function unsettledOf(parts: readonly TakenPart[], lane: typeof BULK | typeof FAST = BULK) {
  return laneState(lane, { bulk: track(), fast: null }, parts, HEAD)
}

t.test('picked records are unsettled, each by itself, and together again a whole frame', async (t) => {
  const odd = Array.from({ length: RECORDS / 2 }, (_, i) => 2 * i + 1)
  const even = odd.map((record) => record - 1)
  t.same(unsettledOf([partOf(5, [3, 4, 7])]), {
    next: HEAD,
    oldest: { segment: 1, offset: 5000, sequence: 5 },
    unsettled: [
      { from: [5, 3], to: [5, 5] },
      { from: [5, 7], to: [5, 8] },
    ],
  })
  t.same(unsettledOf([partOf(5, odd), partOf(6, [0]), partOf(5, even)]).unsettled, [
    { from: [5, 0], to: [6, 1] },
  ])
  t.same(unsettledOf([partOf(5, [1], LANES_FAST)]).unsettled, [])
  t.same(unsettledOf([partOf(5, [1], LANES_FAST)], FAST).unsettled, [{ from: [5, 1], to: [5, 2] }])
})

t.test('what a state tells is what was unsettled', async (t) => {
  const records = fc.uniqueArray(fc.nat(RECORDS - 1), { minLength: 1, maxLength: 12 })
  const range = fc.tuple(fc.nat(RECORDS - 1), fc.integer({ min: 1, max: RECORDS })).map(([first, count]) => ({
    first,
    end: Math.min(RECORDS, first + count),
  }))
  const chosen = fc.oneof(
    records.map((list) => list.toSorted((a, b) => a - b)),
    range,
  )
  const parts = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), chosen), { maxLength: 8 })
  const property = fc.property(parts, (list) => {
    const { next, unsettled } = unsettledOf(list.map(([sequence, which]) => partOf(sequence, which)))
    for (let sequence = 1; sequence <= 4; sequence++) {
      const found = new Set<number>()
      for (const { first, end } of rangesOf({ next: next.sequence, unsettled }, sequence, RECORDS))
        for (let record = first; record < end; record++) found.add(record)
      for (let record = 0; record < RECORDS; record++) {
        const isHeld = list.some(
          ([of, which]) =>
            of === sequence &&
            ('first' in which ? which.first <= record && record < which.end : which.includes(record)),
        )
        if (isHeld !== found.has(record)) return false
      }
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})
