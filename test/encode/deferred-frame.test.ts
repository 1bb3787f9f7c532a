import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { encode } from '../../src/encode/encode.ts'
import type { EncodePart, EncodeResult } from '../../src/encode/task.ts'
import {
  FRAME_KIND,
  FRAME_MAGIC,
  HEADER,
  HEADER_BYTES,
  LANES_BOTH,
  LANES_BULK,
  LANES_FAST,
  RECORD_BREAK,
  RECORD_FAST,
  RECORD_LF,
  frameBytes,
  recordLength,
  recordOffset,
  recordSeverity,
  recordWord,
  regionBytes,
} from '../../src/memory/frame-region.ts'
import { builtinSpecs } from '../../src/schema/builtin.ts'
import { ExtentRig } from '../helpers/extent-rig.ts'
import type { RigRun } from '../helpers/extent-rig.ts'

const SINK = 5
const SLAB = 128 * 1024
const EPOCH = [0x1234567, -2] as const
const SEQUENCE = 77

interface Event {
  readonly severity: number
  readonly second: number
  readonly pad: number
  /** A record that is refused stands before it. */
  readonly gap: boolean
}

function eventText({ severity, second, pad }: Event, n: number): string {
  const time = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
  return `{"timestamp":"${time}","source_ip":"a","event_type":"${'x'.repeat(pad)}","severity":${severity},"n":${n}}`
}

/** A frame that was made from an extent and committed, with even severities for filter 0. */
function madeFrame(runs: readonly (readonly Event[])[]) {
  const rig = new ExtentRig({
    schema: builtinSpecs.soc,
    slabBytes: SLAB,
    filters: [{ severity: { in: [0, 2, 4, 6, 8, 10] } }],
  })
  const texts: string[] = []
  const extent = runs.map((events, run): RigRun => {
    const lines = events.map((event) => {
      const text = eventText(event, texts.length)
      texts.push(text)
      return event.gap ? `no\n${text}\n` : `${text}\n`
    })
    return { bytes: lines.join(''), peer: `peer-${run}` }
  })
  rig.ingest(extent)
  const header = rig.region >> 2
  rig.arena.words.set(EPOCH, header + HEADER.EPOCH)
  rig.arena.words[header + HEADER.SEQUENCE] = SEQUENCE
  return { rig, texts, part: partOf(rig, rig.region, rig.from) }
}

function partOf({ arena }: ExtentRig, region: number, bytesFrom: number): EncodePart {
  const header = region >> 2
  return {
    region,
    runs: arena.words[header + HEADER.RUNS]!,
    bytesFrom,
    first: 0,
    count: arena.words[header + HEADER.RECORDS]!,
    pick: null,
    routeBit: 0,
    lanes: LANES_BOTH,
    sourceName: 'rig',
  }
}

function defer(
  { arena }: ExtentRig,
  part: EncodePart,
  outFrom: number,
  outTo = outFrom + SLAB / 4,
): EncodeResult {
  arena.words.fill(-1, outFrom >> 2, outTo >> 2)
  return encode(arena, [], {
    parts: [part],
    format: 'frame',
    compression: 'none',
    outFrom,
    outTo,
    sink: SINK,
  })
}

/** What a frame that stands in one piece holds. */
function readFrame({ arena }: ExtentRig, at: number) {
  const { words, doubles, bytes } = arena
  const header = at >> 2
  const [runs, records, length] = [HEADER.RUNS, HEADER.RECORDS, HEADER.BYTES].map(
    (word) => words[header + word]!,
  )
  const bytesFrom = at + regionBytes(runs!, records!)
  const firstTimeMs = doubles[(header + HEADER.FIRST_TIME) >> 1]!
  return {
    bytesFrom,
    firstTimeMs,
    lastTimeMs: doubles[(header + HEADER.LAST_TIME) >> 1]!,
    text: Buffer.from(bytes.slice(bytesFrom, bytesFrom + length!)).toString(),
    frameBytes: frameBytes(runs!, records!, length!),
    checksum: words[header + HEADER.BODY_CRC]! >>> 0,
    body: bytes.slice(at + HEADER_BYTES, bytesFrom + length!),
    fast: words[header + HEADER.FAST]!,
    runs: runs!,
    records: Array.from({ length: records! }, (_, i) => {
      const word = recordWord(at, runs!, i)
      const from = bytesFrom + recordOffset(words[word]!)
      return {
        text: Buffer.from(bytes.slice(from, from + recordLength(words[word + 1]!))).toString(),
        index: words[word + 3]! >>> 16,
        route: words[word + 3]! & 0xffff,
        severity: recordSeverity(words[word]!),
        fast: (words[word]! & RECORD_FAST) !== 0,
        timeMs: firstTimeMs + (words[word + 2]! >>> 0),
        joined: (words[word]! & RECORD_LF) !== 0 && (words[word]! & RECORD_BREAK) === 0,
      }
    }),
  }
}

/** Peers, as a dead letter of each record names them. */
function peersOf({ arena }: ExtentRig, part: EncodePart, outFrom: number): unknown[] {
  const failure = { sink: 's', category: 'expired', reason: '', attempts: 1, history: [] } as const
  const { bytes } = encode(arena, [], {
    parts: [part],
    format: 'dead_letter',
    compression: 'none',
    outFrom,
    outTo: outFrom + SLAB,
    failure,
  })
  const lines = Buffer.from(arena.bytes.slice(outFrom, outFrom + bytes))
    .toString()
    .split('\n')
    .slice(0, -1)
  return lines.map((line) => (JSON.parse(line) as { peer: string }).peer)
}

const anyEvent = fc.record({
  severity: fc.integer({ min: 0, max: 10 }),
  second: fc.integer({ min: 0, max: 59 }),
  pad: fc.integer({ min: 0, max: 60 }),
  gap: fc.boolean(),
})
const anyRuns = fc.array(fc.array(anyEvent, { maxLength: 8 }), { minLength: 1, maxLength: 5 })
const lanesOf = (severity: number): number => (severity >= 8 ? LANES_FAST : LANES_BULK)

t.test('the records chosen, whole, with their ids, wherever the frame lies, and again', async (t) => {
  fc.assert(
    fc.property(
      anyRuns,
      fc.constantFrom(LANES_BULK, LANES_FAST, LANES_BOTH),
      fc.constantFrom(0, 1),
      fc.nat(5),
      (runs, lanes, routeBit, skip) => {
        const { rig, texts, part } = madeFrame(runs)
        const chosen = runs
          .flatMap((events, run) => events.map(({ severity, second }) => ({ severity, second, run })))
          .map(({ severity, second, run }, index) => ({ severity, second, run, index }))
          .filter(({ index, severity }) => index >= skip && (lanes & lanesOf(severity)) !== 0)
          .filter(({ severity }) => routeBit === 0 || severity % 2 === 0)
        if (chosen.length === 0) return
        const out = SLAB
        const count = part.count - skip
        const result = defer(rig, { ...part, first: skip, count, lanes, routeBit }, out)
        const frame = readFrame(rig, out)
        const header = out >> 2
        const { words } = rig.arena
        t.same(result, { bytes: frame.frameBytes, events: chosen.length, nextPart: -1, nextRecord: -1 })
        t.equal(words[header + HEADER.MAGIC], FRAME_MAGIC)
        t.equal(words[header + HEADER.KIND], FRAME_KIND.DEFERRED)
        t.equal(words[header + HEADER.SINK], SINK)
        t.same(Array.from(words.slice(header + HEADER.ORIGIN_EPOCH, header + HEADER.ORIGIN_EPOCH + 4)), [
          ...EPOCH,
          SEQUENCE,
          0,
        ])
        t.equal(frame.checksum, crc32(frame.body))
        t.equal(frame.text, chosen.map(({ index }) => `${texts[index]}\n`).join(''))
        t.same(
          frame.records,
          chosen.map(({ index, severity, second }) => ({
            text: texts[index],
            index,
            route: severity % 2 === 0 ? 1 : 0,
            severity,
            fast: severity >= 8,
            timeMs: Date.UTC(2026, 0, 1, 0, 0, second),
            joined: true,
          })),
        )
        t.equal(frame.fast, chosen.filter(({ severity }) => severity >= 8).length)
        t.equal(frame.firstTimeMs, Math.min(...frame.records.map(({ timeMs }) => timeMs)))
        t.equal(frame.lastTimeMs, Math.max(...frame.records.map(({ timeMs }) => timeMs)))
        t.equal(frame.runs, new Set(chosen.map(({ run }) => run)).size)

        // Read back to elsewhere, and deferred once more without its first record.
        const moved = out + SLAB / 2
        rig.arena.bytes.copyWithin(moved, out, out + result.bytes)
        const again = { ...partOf(rig, moved, moved + frame.bytesFrom - out), first: 1 }
        again.count--
        t.same(
          peersOf(rig, { ...again, first: 0, count: chosen.length }, 0),
          chosen.map(({ run }) => `peer-${run}`),
        )
        if (chosen.length === 1) return
        defer(rig, again, out)
        t.same(readFrame(rig, out).records, frame.records.slice(1))
        t.same(Array.from(words.slice(header + HEADER.ORIGIN_EPOCH, header + HEADER.ORIGIN_EPOCH + 4)), [
          ...EPOCH,
          SEQUENCE,
          0,
        ])
        t.equal(readFrame(rig, out).checksum, crc32(readFrame(rig, out).body))
      },
    ),
    { numRuns: 60 },
  )
})

t.test('as far as the output has room; the rest is another frame', async (t) => {
  const runs = Array.from({ length: 3 }, () =>
    Array.from({ length: 40 }, (_, n) => ({
      severity: n % 11,
      second: 1,
      pad: 9 * (n % 7),
      gap: n % 5 === 0,
    })),
  )
  const { rig, texts, part } = madeFrame(runs)
  const roomBytes = 3000
  const seen: string[] = []
  for (let first = 0; first !== -1;) {
    const result = defer(rig, { ...part, first, count: part.count - first }, SLAB, SLAB + roomBytes)
    t.ok(result.bytes <= roomBytes)
    t.equal(result.nextPart, result.nextRecord === -1 ? -1 : 0)
    const { records } = readFrame(rig, SLAB)
    t.equal(records.length, result.events)
    seen.push(...records.map(({ index, text }) => `${index} ${text}`))
    first = result.nextRecord
  }
  t.same(
    seen,
    texts.map((text, index) => `${index} ${text}`),
  )
})
