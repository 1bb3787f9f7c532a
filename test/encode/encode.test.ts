import { Buffer } from 'node:buffer'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { encode } from '../../src/encode/encode.ts'
import { idBytesMax } from '../../src/encode/event-id-text.ts'
import type { EncodePart, EncodeResult, EncodeTask } from '../../src/encode/task.ts'
import { Arena } from '../../src/memory/arena.ts'
import {
  FRAME_KIND,
  HEADER,
  LANES_BOTH,
  LANES_BULK,
  LANES_FAST,
  RECORD_BREAK,
  RECORD_FAST,
  RECORD_LF,
  RUN,
  recordWord,
  regionBytes,
  runWord,
} from '../../src/memory/frame-region.ts'

const SLAB = 64 * 1024
const OUT = 3 * SLAB
/** What the ids of a frame with the epoch and the sequence [0x1234567, -2, 9, 1] begin with. */
const ID = 'fffffffe01234567-4294967305-'
const RECEIVED_AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const sources = [
  { name: 'push', schema: { name: 'soc', version: 'abc' } },
  { name: 'net', schema: { name: 'any', version: 'def' } },
]

interface Event {
  readonly text: string
  /** Bits of the filters that let it through. */
  readonly mask?: number
  readonly fast?: boolean
  /** A refused record stands before it. */
  readonly gap?: boolean
}

/**
 * Lays events into a slab as a worker leaves them: bytes, run list, table. One run per peer, in order. `madeAt`: where the
 * frame's bytes were when it was made, if elsewhere.
 */
function layFrame(
  arena: Arena,
  slab: number,
  source: number,
  runs: { peer: string; events: Event[] }[],
  madeAt = arena.slabStart(slab),
) {
  const bytesFrom = arena.slabStart(slab)
  const events = runs.flatMap((run) => run.events)
  const region = arena.slabStart(slab + 1) - regionBytes(runs.length, events.length)
  const header = region >> 2
  arena.words[header + HEADER.BYTES_FROM] = madeAt
  arena.doubles[(header + HEADER.RECEIVED_AT) >> 1] = RECEIVED_AT_MS
  let at = bytesFrom
  let index = 0
  for (const [i, run] of runs.entries()) {
    const word = runWord(region, i)
    arena.words[word + RUN.FROM] = at - bytesFrom + madeAt
    arena.words[word + RUN.PEER_BYTES] = run.peer.length
    arena.bytes.set(Buffer.from(run.peer), (word + RUN.PEER) * 4)
    for (const event of run.events) {
      if (event.gap === true) at += put(arena, at, 'refused\n')
      const length = put(arena, at, event.text)
      const record = recordWord(region, runs.length, index)
      arena.words[record] =
        (at - bytesFrom) |
        RECORD_LF |
        (event.fast === true ? RECORD_FAST : 0) |
        (event.gap === true && index > 0 ? RECORD_BREAK : 0)
      arena.words[record + 1] = length
      arena.words[record + 3] = event.mask ?? 0
      at += length
      at += put(arena, at, '\n')
      index++
    }
  }
  const part: EncodePart = {
    region,
    runs: runs.length,
    bytesFrom,
    first: 0,
    count: events.length,
    pick: null,
    routeBit: 0,
    lanes: LANES_BOTH,
    sourceName: sources[source]?.name ?? 'gone',
  }
  return { part, events }
}

function put(arena: Arena, at: number, text: string): number {
  const bytes = Buffer.from(text)
  arena.bytes.set(bytes, at)
  return bytes.length
}

function taskOf(parts: EncodePart[], more: Partial<EncodeTask>): EncodeTask {
  return {
    parts,
    format: 'ndjson',
    compression: 'none',
    outFrom: OUT,
    outTo: OUT + SLAB,
    ...more,
  }
}

function outputOf(arena: Arena, result: EncodeResult): Buffer {
  return Buffer.from(arena.bytes.slice(OUT, OUT + result.bytes))
}

function newArena(): Arena {
  return Arena.create(4 * SLAB, SLAB)
}

t.test('lines of two frames, gaps left out', async (t) => {
  const arena = newArena()
  const a = layFrame(arena, 0, 0, [
    { peer: 'a', events: [{ text: '{"a":1}' }, { text: '{"a":2}', gap: true }] },
  ])
  const b = layFrame(arena, 1, 1, [{ peer: 'b', events: [{ text: '{"b":"é"}' }] }])
  const result = encode(arena, sources, taskOf([a.part, b.part], {}))
  t.equal(outputOf(arena, result).toString(), '{"a":1}\n{"a":2}\n{"b":"é"}\n')
  t.same(result, { bytes: 27, events: 3, nextPart: -1, nextRecord: -1 })
})

t.test('an array, also of nothing', async (t) => {
  const arena = newArena()
  const { part } = layFrame(arena, 0, 0, [{ peer: 'a', events: [{ text: '{}' }, { text: '[1]' }] }])
  t.equal(outputOf(arena, encode(arena, sources, taskOf([part], { format: 'json' }))).toString(), '[{},[1]]')
  const none = encode(arena, sources, taskOf([{ ...part, routeBit: 4 }], { format: 'json' }))
  t.equal(outputOf(arena, none).toString(), '[]')
  t.equal(none.events, 0)
})

t.test('one whole gzip member or zstd frame', async (t) => {
  for (const compression of ['gzip', 'zstd'] as const) {
    const arena = newArena()
    const events = Array.from({ length: 100 }, (_, i) => ({ text: `{"n":${i}}` }))
    const { part } = layFrame(arena, 0, 0, [{ peer: 'a', events }])
    const result = encode(arena, sources, taskOf([part], { compression }))
    const packed = outputOf(arena, result)
    const plain = compression === 'gzip' ? gunzipSync(packed) : zstdDecompressSync(packed)
    t.equal(plain.toString(), events.map((event) => `${event.text}\n`).join(''))
    t.ok(packed.length < plain.length)
  }
})

t.test('any choice of records comes out whole and in order', async () => {
  const event = fc.record({
    size: fc.integer({ min: 0, max: 40 }),
    mask: fc.integer({ min: 0, max: 3 }),
    fast: fc.boolean(),
    gap: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(fc.array(event, { maxLength: 20 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom(LANES_BULK, LANES_FAST, LANES_BOTH),
      fc.integer({ min: 0, max: 10 }),
      fc.option(fc.uniqueArray(fc.nat(79), { maxLength: 30 })),
      (runs, routeBit, lanes, skip, picked) => {
        const arena = newArena()
        const { part, events } = layFrame(
          arena,
          0,
          0,
          runs.map((run, i) => ({
            peer: `peer${i}`,
            events: run.map(({ size, ...rest }, j) => ({ text: `"${i}.${j}${'x'.repeat(size)}"`, ...rest })),
          })),
        )
        const first = Math.min(skip, events.length)
        const meant = events.flatMap(({ mask, fast }, index) => {
          const isRouted = routeBit === 0 || (mask! & routeBit) !== 0
          const isOfLane = (lanes & (fast === true ? LANES_FAST : LANES_BULK)) !== 0
          return index >= first && isRouted && isOfLane ? [index] : []
        })
        const pick =
          picked === null ? null : Uint16Array.from(meant.filter((index) => picked.includes(index)))
        const chosen = [...(pick ?? meant)].map((index) => events[index]!)
        const parts = [{ ...part, first, count: events.length - first, pick, routeBit, lanes }]
        const lines = encode(arena, sources, taskOf(parts, {}))
        const expected = chosen.map(({ text }) => `${text}\n`).join('')
        if (outputOf(arena, lines).toString() !== expected || lines.events !== chosen.length) return false
        const list = encode(arena, sources, taskOf(parts, { format: 'json' }))
        return outputOf(arena, list).toString() === `[${chosen.map(({ text }) => text).join(',')}]`
      },
    ),
  )
})

t.test('each event with its id, as its first member or in a line before it', async (t) => {
  const arena = newArena()
  const events = [{ text: '{"a":1}' }, { text: '{ }' }, { text: '{ "c":"é"}', gap: true }, { text: '[1]' }]
  const { part } = layFrame(arena, 0, 0, [{ peer: 'a', events }])
  arena.words.set([0x1234567, -2, 9, 1], (part.region >> 2) + HEADER.EPOCH)
  const textOf = (more: Partial<EncodeTask>) =>
    outputOf(arena, encode(arena, sources, taskOf([part], more))).toString()
  const lines = [`{"the \\"id\\"":"${ID}0","a":1}`, `{"the \\"id\\"":"${ID}1"}`]
  const more = [`{"the \\"id\\"":"${ID}2","c":"é"}`, '[1]']
  const withIds = [...lines, ...more].map((line) => JSON.stringify(JSON.parse(line)))
  const eventIdField = 'the "id"'
  t.equal(textOf({ eventIdField }), withIds.map((line) => `${line}\n`).join(''))
  t.equal(textOf({ eventIdField, format: 'json' }), `[${withIds.join(',')}]`)
  const bulk = (texts: string[]) =>
    texts.map((text, index) => `{"create":{"_id":"${ID}${index}"}}\n${text}\n`).join('')
  t.equal(textOf({ format: 'bulk' }), bulk(events.map(({ text }) => text)))
  t.equal(textOf({ format: 'bulk', eventIdField }), bulk(withIds))
})

t.test('ids take no more room than is said', async (t) => {
  const arena = newArena()
  const { part } = layFrame(arena, 0, 0, [
    { peer: 'a', events: Array.from({ length: 100 }, () => ({ text: '{"a":1}' })) },
  ])
  const header = part.region >> 2
  // The longest id: the highest sequence, and the highest index, of a deferred frame.
  arena.words[header + HEADER.KIND] = FRAME_KIND.DEFERRED
  arena.words.set([-1, -1, -1, 0x1fffff], header + HEADER.ORIGIN_EPOCH)
  arena.words[recordWord(part.region, part.runs, 0) + 3] = 16_383 << 16
  for (const format of ['ndjson', 'json', 'bulk'] as const) {
    for (const eventIdField of [undefined, 'id', 'é"'.repeat(9)]) {
      const form = { format, ...(eventIdField === undefined ? {} : { eventIdField }) }
      const one = { ...part, count: 1 }
      const { bytes } = encode(arena, sources, taskOf([one], form))
      const plain = '{"a":1}'.length + (format === 'json' ? 2 : 1)
      t.equal(bytes - plain, idBytesMax(form))
    }
  }
})

t.test('picked records as dead letters, each with what was said of it', async (t) => {
  const arena = newArena()
  const texts = Array.from({ length: 6 }, (_, i) => `{"n":${i}}`)
  const { part } = layFrame(arena, 0, 0, [{ peer: 'p', events: texts.map((text) => ({ text })) }])
  const remark = { reason: 'mapper_parsing_exception', status: 400 }
  const parts = [
    { ...part, first: 1, count: 4, pick: Uint16Array.of(1, 4), remark },
    { ...part, first: 5, count: 1, pick: Uint16Array.of(5), remark: { reason: 'no words' } },
    { ...part, first: 0, count: 1 },
  ]
  const failure = { sink: 's', category: 'refused', reason: 'some items', attempts: 1, history: [] } as const
  const result = encode(arena, sources, taskOf(parts, { format: 'dead_letter', failure }))
  const letters = outputOf(arena, result).toString().trimEnd().split('\n')
  t.same(
    letters.map((line) => {
      const { record, reason, status } = JSON.parse(line) as Record<string, unknown>
      return [record, reason, status]
    }),
    [
      [texts[1], remark.reason, 400],
      [texts[4], remark.reason, 400],
      [texts[5], 'no words', undefined],
      [texts[0], 'some items', undefined],
    ],
  )
})

t.test('dead letters name the source, the peer and the failure', async (t) => {
  const arena = newArena()
  const a = layFrame(arena, 0, 0, [
    { peer: '10.0.0.1:5', events: [{ text: '{"a":1}' }] },
    { peer: 'idle', events: [] },
    { peer: '10.0.0.2:6', events: [{ text: '{"a":2}', gap: true, mask: 1 }, { text: '{"a":3}' }] },
  ])
  const b = layFrame(arena, 1, 1, [{ peer: '10.0.0.3:7', events: [{ text: '{"b":1}' }] }])
  const history = [{ at: RECEIVED_AT_MS + 322, category: 'connect', reason: 'refused', count: 4 }]
  const failure = {
    sink: 'siem',
    category: 'refused',
    reason: 'bad',
    attempts: 2,
    status: 400,
    history,
  } as const
  const task = taskOf([a.part, b.part], { format: 'dead_letter', failure })
  const result = encode(arena, sources, task)
  t.same(result, { bytes: result.bytes, events: 4, nextPart: -1, nextRecord: -1 })
  const letters = outputOf(arena, result)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  const told = { at: '2026-01-02T03:04:06.000Z', category: 'connect', reason: 'refused', count: 4 }
  const common = {
    path: '',
    expected: '',
    received_at: '2026-01-02T03:04:05.678Z',
    ...failure,
    history: [told],
  }
  t.same(letters, [
    {
      ...common,
      source: 'push',
      schema: 'soc',
      schema_version: 'abc',
      peer: '10.0.0.1:5',
      record: '{"a":1}',
    },
    {
      ...common,
      source: 'push',
      schema: 'soc',
      schema_version: 'abc',
      peer: '10.0.0.2:6',
      record: '{"a":2}',
    },
    {
      ...common,
      source: 'push',
      schema: 'soc',
      schema_version: 'abc',
      peer: '10.0.0.2:6',
      record: '{"a":3}',
    },
    { ...common, source: 'net', schema: 'any', schema_version: 'def', peer: '10.0.0.3:7', record: '{"b":1}' },
  ])
  t.equal(encode(arena, sources, { ...task, parts: [{ ...a.part, routeBit: 1 }] }).events, 1)
})

t.test('dead letters of a frame that was made elsewhere, of a source that is gone', async (t) => {
  for (const madeAt of [8, 1 << 28]) {
    const arena = newArena()
    const runs = ['a', 'b', 'c'].map((peer) => ({ peer, events: [{ text: `"${peer}"` }] }))
    const { part } = layFrame(arena, 1, 7, runs, madeAt)
    const failure = { sink: 'siem', category: 'expired', reason: 'old', attempts: 2, history: [] } as const
    const result = encode(arena, sources, taskOf([part], { format: 'dead_letter', failure }))
    const letters = outputOf(arena, result).toString().trimEnd().split('\n')
    t.same(
      letters.map((line) => {
        const {
          peer,
          record,
          source,
          schema,
          schema_version: version,
        } = JSON.parse(line) as Record<string, unknown>
        return [peer, record, source, schema, version]
      }),
      ['a', 'b', 'c'].map((peer) => [peer, `"${peer}"`, 'gone', '', '']),
    )
  }
})

t.test('dead letters go on where the output was full', async (t) => {
  const arena = newArena()
  const events = Array.from({ length: 400 }, (_, i) => ({
    text: `{"n":${i},"pad":"${'y'.repeat(99)}"}`,
  }))
  const { part } = layFrame(arena, 0, 0, [{ peer: 'p', events }])
  const failure = {
    sink: 'siem',
    category: 'undelivered',
    reason: 'stopped',
    attempts: 1,
    history: [],
  } as const
  let parts = [part, { ...part, first: 390, count: 10 }]
  const seen: string[] = []
  let rounds = 0
  while (parts.length > 0) {
    const result = encode(arena, sources, taskOf(parts, { format: 'dead_letter', failure }))
    for (const line of outputOf(arena, result).toString().trimEnd().split('\n')) {
      seen.push(String(Object(JSON.parse(line)).record))
    }
    rounds++
    if (result.nextPart === -1) break
    const [current, ...rest] = parts.slice(result.nextPart)
    const left = current!.first + current!.count - result.nextRecord
    parts = [{ ...current!, first: result.nextRecord, count: left }, ...rest]
  }
  t.ok(rounds > 1)
  t.same(
    seen,
    [...events, ...events.slice(390)].map(({ text }) => text),
  )
})
