import fc from 'fast-check'
import t from 'tap'
import { LANES_BOTH, LANES_BULK, LANES_FAST } from '../../../src/memory/frame-region.ts'
import type { Taken } from '../../../src/journal/log.ts'
import type { Part } from '../../../src/pipeline/dispatch/batch.ts'
import {
  RecordWalk,
  forEachRun,
  measureParts,
  partOf,
  pickPart,
  recordsOf,
  splitPart,
} from '../../../src/pipeline/dispatch/record-walk.ts'
import { MadeFrames } from './made-frames.ts'
import type { MadeRecord } from './made-frames.ts'

const EVERYTHING = { lanes: LANES_BOTH, routeBit: 0 }

/** One frame, taken by a sink. */
function take(records: readonly MadeRecord[], { lanes, routeBit } = EVERYTHING) {
  const frames = new MadeFrames(2)
  const { words, bytes } = frames.arena
  const frame = frames.make(0, records)!
  const ranges = [{ first: 0, end: records.length }]
  const counted = { frame, lanes, routeBit, ranges, events: 0, fast: 0, unsettled: 0 }
  const { events, fast } = partOf(words, counted, 0, records.length)
  const taken: Taken = { ...counted, events, fast, unsettled: events }
  const runsOf = (part: Part): string[] => {
    const runs: string[] = []
    forEachRun(words, part, (from, to, lineFeed) => {
      const text = Buffer.from(bytes.slice(from, lineFeed ? to + 1 : to)).toString()
      runs.push(lineFeed ? text : `${text}\n`)
    })
    return runs
  }
  return { words, taken, runsOf }
}

t.test(
  'records of a pick that follow each other are one run, unless something lies between them',
  async (t) => {
    const records = Array.from('abcdefgh', (text) => ({ text, ...(text === 'f' ? { gap: 'bad\n' } : {}) }))
    const { words, taken, runsOf } = take(records)
    const part = pickPart(words, taken, Uint16Array.of(1, 2, 4, 5, 6))!
    t.match(part, { first: 1, count: 6, events: 5, fast: 0 })
    t.strictSame(runsOf(part), ['b\nc\n', 'e\n', 'f\ng\n'])
    t.strictSame(measureParts(words, [part], true), { bytes: 10, runs: 3 })
    t.strictSame(measureParts(words, [part, part], false, 7), { bytes: 2 * 5 * (2 + 7) + 1, runs: 6 })
    t.equal(pickPart(words, taken, new Uint16Array()), null)
  },
)

t.test('a pick is split before a record, and each piece has a buffer of its own', async (t) => {
  const records = Array.from('abcdef', (text) => ({ text, fast: 'bf'.includes(text) }))
  const { words, taken } = take(records)
  const part = pickPart(words, taken, Uint16Array.of(1, 3, 5))!
  t.equal(part.fast, 2)
  const [done, left] = splitPart(words, part, 3)
  t.match(
    [done, ...left],
    [
      { first: 1, count: 1, events: 1, fast: 1 },
      { first: 3, count: 3, events: 2, fast: 1 },
    ],
  )
  t.strictSame(
    [done, ...left].map(({ pick }) => pick?.buffer.byteLength),
    [2, 4],
  )
  t.match(splitPart(words, part, 1), [{ count: 0, events: 0 }, [{ events: 3 }]])
  t.match(splitPart(words, part, 6), [{ events: 3 }, { length: 0 }])
})

t.test('what is sent beside each event takes room too', async (t) => {
  for (const gap of ['', 'bad\n']) {
    const { words, taken } = take([{ text: 'a', gap }, ...Array.from({ length: 9 }, () => ({ text: 'a' }))])
    const walk = new RecordWalk(words, true, 8)
    walk.measure(taken, 0, 10, { events: 100, bytes: 55, evenOversize: true })
    t.match(walk, { events: 5, next: 5, bytes: 50, runs: 1 })
    walk.measure(taken, 0, 10, { events: 3, bytes: 1, evenOversize: true })
    t.match(walk, { events: 1, next: 1, bytes: 10 })
  }
})

t.test('picks are what a naive walk over the same records finds', async (t) => {
  const made = fc.record({
    bytes: fc.nat(9),
    routes: fc.constantFrom(0, 0xffff, 0xffff),
    gap: fc.constantFrom('', '', '', 'bad\n'),
    behind: fc.constantFrom('\n', '\n', '\r\n', '  '),
    fast: fc.boolean(),
    picked: fc.boolean(),
  })
  const property = fc.property(
    fc.array(made, { minLength: 1, maxLength: 40 }),
    fc.constantFrom(LANES_BOTH, LANES_BULK, LANES_FAST),
    fc.constantFrom(0, 4),
    fc.record({ events: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 200 }) }),
    fc.nat(40),
    (list, lanes, routeBit, room, border) => {
      const records = list.map(({ bytes, ...rest }, i) => ({ ...rest, text: `${i}:${'r'.repeat(bytes)}` }))
      const { words, taken, runsOf } = take(records, { lanes, routeBit })
      const meant = records.flatMap(({ fast, routes }, record) => {
        const isOfLane = (lanes & (fast ? LANES_FAST : LANES_BULK)) !== 0
        return isOfLane && (routeBit === 0 || (routes & routeBit) !== 0) ? [record] : []
      })
      const whole = partOf(words, taken, 0, records.length)
      assertSame([...recordsOf(words, whole)], meant)
      // All of them picked is the same as none picked.
      const all = pickPart(words, taken, recordsOf(words, whole))
      assertSame(all === null ? [] : runsOf(all), meant.length === 0 ? [] : runsOf(whole))

      const pick = meant.filter((record) => records[record]!.picked)
      const part = pickPart(words, taken, Uint16Array.from(pick))
      if (part === null) return pick.length === 0
      assertSame(part.events, pick.length)
      assertSame(part.fast, pick.filter((record) => records[record]!.fast).length)
      const texts = linesOf(runsOf(part))
      assertSame(
        texts,
        pick.map((record) => records[record]!.text),
      )
      assertSame(measureParts(words, [part], true), {
        bytes: runsOf(part).join('').length,
        runs: runsOf(part).length,
      })

      const [done, left] = splitPart(words, part, border)
      const pieces = [done, ...left].filter(({ events }) => events > 0)
      assertSame(
        pieces.flatMap((piece) => linesOf(runsOf(piece))),
        texts,
      )
      assertSame(done.events, pick.filter((record) => record < border).length)

      const walk = new RecordWalk(words, true)
      walk.measurePick(taken, part.pick!, 0, { ...room, evenOversize: false })
      const fits = pickPart(words, taken, part.pick!.slice(0, walk.next))
      assertSame([walk.events, walk.fast, walk.bytes, walk.runs], countsOf(words, fits))
      const more = pickPart(words, taken, part.pick!.slice(0, walk.next + 1))!
      const isFull = walk.events === room.events || measureParts(words, [more], true).bytes > room.bytes
      return isFull || walk.events === pick.length
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})

function countsOf(words: Int32Array, part: Part | null): number[] {
  if (part === null) return [0, 0, 0, 0]
  const { bytes, runs } = measureParts(words, [part], true)
  return [part.events, part.fast, bytes, runs]
}

function linesOf(runs: readonly string[]): string[] {
  return runs.flatMap((run) => run.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])))
}

function assertSame(found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`)
}
