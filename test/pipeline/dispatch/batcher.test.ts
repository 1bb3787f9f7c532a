import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { LANES_BOTH, LANES_BULK, LANES_FAST } from '../../../src/memory/frame-region.ts'
import { BULK } from '../../../src/journal/log.ts'
import type { LogReader, Taken } from '../../../src/journal/log.ts'
import { MemoryLog } from '../../../src/journal/memory-log.ts'
import { Batcher } from '../../../src/pipeline/dispatch/batcher.ts'
import type { BatcherOptions } from '../../../src/pipeline/dispatch/batcher.ts'
import { RecordWalk, forEachRun, partOf } from '../../../src/pipeline/dispatch/record-walk.ts'
import { MadeFrames } from './made-frames.ts'
import type { MadeRecord } from './made-frames.ts'
import { SimulatedClock } from './simulated-clock.ts'

const FILTER = 2

class Bench {
  readonly clock = new SimulatedClock()
  readonly log = new MemoryLog(this.clock)
  readonly frames = new MadeFrames(16)
  readonly reader: LogReader
  readonly batcher: Batcher

  constructor(options: Partial<BatcherOptions> = {}, filtered = false) {
    this.reader = this.log.addReader({
      name: 'bench',
      inputs: [0],
      filterIndex: filtered ? FILTER : -1,
      onOffered: () => {},
      onDiscarded: () => {},
      settledCounts: () => ({ delivered: [0, 0], deliveredBytes: 0, deadLettered: {}, discarded: {} }),
      onFrame: () => {},
      unsettled: () => [],
    })
    this.batcher = new Batcher({
      lane: BULK,
      take: () => this.reader.takeBulk(),
      walk: new RecordWalk(this.frames.arena.words, options.encoding !== 'json'),
      encoding: 'ndjson',
      maxBytes: 1000,
      maxEvents: 100,
      maxAgeMs: 50,
      ...options,
    })
  }

  add(...records: MadeRecord[]): void {
    this.log.append({ frame: this.frames.make(0, records)!, committed: () => {} })
  }

  /** What the next batch says, run by run. */
  take(flush = false): { events: number; bytes: number; runs: string[]; text: string } | null {
    const batch = this.batcher.take(this.clock.now(), flush)
    if (batch === null) return null
    const runs: string[] = []
    const { arena } = this.frames
    for (const part of batch.parts)
      forEachRun(arena.words, part, (from, to, lineFeed) => {
        const bytes = Buffer.from(arena.bytes.slice(from, lineFeed ? to + 1 : to))
        runs.push(lineFeed ? bytes.toString() : `${bytes.toString()}\n`)
      })
    assert.equal(runs.length, batch.runs, 'runs are counted')
    return { events: batch.events, bytes: batch.bytes, runs, text: runs.join('') }
  }
}

/** A record of so many bytes. */
const record = (bytes: number, rest: Partial<MadeRecord> = {}): MadeRecord => ({
  text: 'r'.repeat(bytes),
  ...rest,
})
const many = (count: number, bytes: number) => Array.from({ length: count }, () => record(bytes))

t.test('waits for company until the oldest event is old enough', async (t) => {
  const bench = new Bench()
  t.equal(bench.take(), null)
  t.equal(bench.batcher.dueAtMs, Infinity)
  t.ok(bench.batcher.empty)
  bench.add(record(9))
  await bench.clock.pass(30)
  bench.add(record(9))
  t.equal(bench.take(), null)
  t.notOk(bench.batcher.empty)
  t.equal(bench.batcher.dueAtMs, bench.clock.now() + 20)
  await bench.clock.pass(20)
  t.match(bench.take(), { events: 2, bytes: 20, runs: { length: 2 } })
  t.ok(bench.batcher.empty)
})

t.test('a frame that was taken late is as old as it is', async (t) => {
  const bench = new Bench({ maxEvents: 2 })
  bench.add(...many(2, 9))
  bench.add(record(9))
  await bench.clock.pass(60)
  t.match(bench.take(), { events: 2 })
  t.match(bench.take(), { events: 1 }, 'it does not wait once more')
})

t.test('flushing takes what is there', async (t) => {
  const bench = new Bench()
  bench.add(record(9))
  t.match(bench.take(true), { events: 1 })
  t.equal(bench.take(true), null)
})

t.test('is full by events, and by bytes', async (t) => {
  const byEvents = new Bench({ maxEvents: 3 })
  byEvents.add(...many(7, 9))
  t.match([byEvents.take(), byEvents.take(), byEvents.take()], [{ events: 3 }, { events: 3 }, null])
  const byBytes = new Bench({ maxBytes: 30 })
  byBytes.add(...many(7, 9))
  t.match([byBytes.take(), byBytes.take(), byBytes.take()], [{ bytes: 30 }, { bytes: 30 }, null])
  t.match(byBytes.take(true), { events: 1, bytes: 10 })
})

t.test('ends where a frame ends, if it is half full by then', async (t) => {
  const half = new Bench({ maxBytes: 100 })
  half.add(...many(5, 9))
  half.add(...many(6, 9))
  t.match(half.take(), { events: 5 })
  t.match(half.take(true), { events: 6 })
  const less = new Bench({ maxBytes: 100 })
  less.add(...many(4, 9))
  less.add(...many(7, 9))
  t.match(less.take(), { events: 10 })
  t.match(less.take(true), { events: 1 })
})

t.test('an event longer than a batch goes alone', async (t) => {
  const bench = new Bench({ maxBytes: 50 })
  bench.add(record(9), record(99), record(9), record(200))
  bench.add(record(300))
  const sizes = [bench.take(true), bench.take(true), bench.take(true), bench.take(true), bench.take(true)]
  t.strictSame(
    sizes.map((batch) => batch!.bytes),
    [10, 100, 10, 201, 301],
  )
  t.equal(bench.take(true), null)
})

t.test('runs break at gaps, at what the filter leaves out and where frames end', async (t) => {
  const bench = new Bench({}, true)
  const out = { routes: 0 }
  bench.add(
    { text: 'x', ...out },
    { text: 'a' },
    { text: 'b', behind: '\r\n' },
    { text: 'c', behind: '  ' },
    { text: 'd', gap: 'bad\n' },
    { text: 'y', ...out },
    { text: 'e', behind: ' \n' },
    { text: 'z', ...out },
  )
  bench.add({ text: 'f' })
  const batch = bench.take(true)!
  t.strictSame(batch.runs, ['a\nb\r\nc\n', 'd\n', 'e\n', 'f\n'])
  t.match(batch, { events: 6, bytes: batch.text.length })
})

t.test('events left out at the end of a frame hold nothing back', async (t) => {
  const bench = new Bench({ maxEvents: 1 }, true)
  bench.add({ text: 'a' }, { text: 'x', routes: 0 }, { text: 'y', routes: 0 })
  t.match(bench.take(), { events: 1 })
  t.ok(bench.batcher.empty)
})

t.test('a batch of JSON has room for its brackets', async (t) => {
  const bench = new Bench({ encoding: 'json', maxBytes: 31 })
  bench.add(...many(6, 9))
  t.match([bench.take(), bench.take()], [{ bytes: 31 }, { bytes: 31 }])
})

t.test('takes what is meant of a frame, range by range', async (t) => {
  const frames = new MadeFrames(2)
  const texts = Array.from('abcdefgh', (text, index) => ({ text, fast: index % 2 === 1 }))
  const frame = frames.make(0, texts)!
  const ranges = [
    { first: 1, end: 4 },
    { first: 6, end: 7 },
    { first: 7, end: 8 },
  ]
  const cut = (lanes: number, events: number, maxEvents: number) => {
    const waiting: Taken[] = [{ frame, lanes, routeBit: 0, ranges, events, fast: 0, unsettled: events }]
    const { words, bytes } = frames.arena
    const walk = new RecordWalk(words, true)
    const take = () => waiting.shift() ?? null
    const options = { lane: BULK, take, walk, encoding: 'ndjson', maxBytes: 1000, maxAgeMs: 0 } as const
    const batcher = new Batcher({ ...options, maxEvents })
    const found: string[] = []
    for (let batch = batcher.take(0, true); batch !== null; batch = batcher.take(0, true)) {
      let text = ''
      for (const part of batch.parts)
        forEachRun(words, part, (from, to) => (text += Buffer.from(bytes.slice(from, to)).toString()))
      found.push(text.replaceAll('\n', ''))
      if ([...batcher.rests()].length === 0) t.ok(batcher.empty)
    }
    return found
  }
  t.strictSame(cut(LANES_BOTH, 5, 2), ['bc', 'dg', 'h'])
  t.strictSame(cut(LANES_FAST, 3, 2), ['bd', 'h'])
  t.strictSame(cut(LANES_BULK, 2, 1), ['c', 'g'])
})

t.test('what is behind the last event that is meant is not looked at', async (t) => {
  const frames = new MadeFrames(2)
  const frame = frames.make(0, [{ text: 'a' }, { text: 'b', fast: true }, { text: 'c', fast: true }])!
  const ranges = [
    { first: 0, end: 1 },
    { first: 2, end: 3 },
  ]
  const waiting: Taken[] = [
    { frame, lanes: LANES_BULK, routeBit: 0, ranges, events: 1, fast: 0, unsettled: 1 },
  ]
  const walk = new RecordWalk(frames.arena.words, true)
  const take = () => waiting.shift() ?? null
  const limits = { maxBytes: 1000, maxEvents: 1, maxAgeMs: 0 }
  const batcher = new Batcher({ lane: BULK, take, walk, encoding: 'ndjson', ...limits })
  t.match(batcher.take(0, false), { events: 1 })
  t.ok(batcher.empty, 'once the event is settled, the frame may be gone')
})

t.test('what was read back has waited long enough', async (t) => {
  const frames = new MadeFrames(2)
  const frame = { ...frames.make(0, [{ text: 'a' }])!, readBack: true }
  const ranges = [{ first: 0, end: 1 }]
  const waiting: Taken[] = [
    { frame, lanes: LANES_BOTH, routeBit: 0, ranges, events: 1, fast: 0, unsettled: 1 },
  ]
  const walk = new RecordWalk(frames.arena.words, true)
  const take = () => waiting.shift() ?? null
  const limits = { maxBytes: 1000, maxEvents: 10, maxAgeMs: 5000 }
  t.match(new Batcher({ lane: BULK, take, walk, encoding: 'ndjson', ...limits }).take(0, false), {
    events: 1,
  })
})

t.test('parts are counted as they are cut', async (t) => {
  const bench = new Bench()
  const records = [record(1), record(1, { fast: true }), record(1, { fast: true, routes: 0 }), record(1)]
  const frame = bench.frames.make(0, records)!
  const taken = (lanes: number, routeBit = 0): Taken => {
    const ranges = [{ first: 0, end: 4 }]
    return { frame, lanes, routeBit, ranges, events: 0, fast: 0, unsettled: 0 }
  }
  const { words } = bench.frames.arena
  const all = taken(LANES_BOTH)
  t.match(partOf(words, all, 0, 4), { first: 0, count: 4, events: 4, fast: 2 })
  t.match(partOf(words, all, 1, 2), { first: 1, count: 1, events: 1, fast: 1 })
  t.match(partOf(words, all, 2, 2), { count: 0, events: 0, fast: 0 })
  t.match(partOf(words, taken(LANES_FAST), 0, 4), { count: 4, events: 2, fast: 2 })
  t.match(partOf(words, taken(LANES_BULK), 0, 3), { count: 3, events: 1, fast: 0 })
  t.match(partOf(words, taken(LANES_BOTH, 1 << FILTER), 1, 4), { first: 1, count: 3, events: 2, fast: 1 })
  t.match(partOf(words, taken(LANES_FAST, 1 << FILTER), 1, 4), { first: 1, count: 3, events: 1, fast: 1 })
})

t.test('batches hold every event once, in order, and what they say they do', async (t) => {
  const made = fc.record({
    bytes: fc.oneof(fc.nat(20), fc.nat(120)),
    out: fc.boolean(),
    gap: fc.constantFrom('', '', '', 'bad\n'),
    behind: fc.constantFrom('\n', '\n', '\r\n', '  '),
    fast: fc.boolean(),
  })
  const property = fc.property(
    fc.array(fc.array(made, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 1, max: 50 }),
    fc.integer({ min: 1, max: 1500 }),
    fc.boolean(),
    (frames, maxEvents, maxBytes, filtered) => {
      const bench = new Bench({ maxEvents, maxBytes }, filtered)
      let expected = ''
      let id = 0
      for (const records of frames) {
        const texts = records.map(({ bytes, out, gap, behind, fast }): MadeRecord => {
          const text = `${id++}:${'r'.repeat(bytes)}`
          if (!filtered || !out) expected += `${text}\n`
          return { text, routes: out ? 0 : 0xffff, gap, behind, fast }
        })
        bench.add(...texts)
      }
      let sent = ''
      for (let batch = bench.take(true); batch !== null; batch = bench.take(true)) {
        if (batch.bytes !== batch.text.length) return false
        if (batch.events > maxEvents || (batch.bytes > maxBytes && batch.events > 1)) return false
        sent += batch.text.replaceAll(/[\r ]/g, '')
      }
      return sent.replaceAll(/\n+/g, '\n') === expected
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})
