import fc from 'fast-check'
import t from 'tap'
import type { Frame } from '../../../src/journal/frame.ts'
import type { Taken } from '../../../src/journal/log.ts'
import { FRAME_KIND, HEADER, LANES_BOTH, LANES_FAST } from '../../../src/memory/frame-region.ts'
import { idempotencyKey } from '../../../src/pipeline/dispatch/idempotency-key.ts'
import { partOf, pickPart, splitPart } from '../../../src/pipeline/dispatch/record-walk.ts'
import { encode } from '../../../src/encode/encode.ts'
import { encodePart } from '../../../src/pipeline/dispatch/payload-builder.ts'
import { MadeFrames, SLAB_BYTES } from './made-frames.ts'

/** A frame of `count` events, every third of them fast, every other one for the filter. */
function makeFrame(frames: MadeFrames, count: number, sequence: number, epoch = 7): Frame {
  const records = Array.from({ length: count }, (_, i) => ({
    text: `${i}`,
    fast: i % 3 === 0,
    routes: i % 2,
  }))
  const frame = frames.make(0, records)!
  const word = frame.region >> 2
  frames.arena.words[word + HEADER.EPOCH] = epoch
  frames.arena.words[word + HEADER.SEQUENCE] = sequence
  return frame
}

function take(frame: Frame, { lanes = LANES_BOTH, routeBit = 0 } = {}): Taken {
  const ranges = [{ first: 0, end: frame.records }]
  return { frame, lanes, routeBit, ranges, events: 0, fast: 0, unsettled: 0 }
}

t.test('the same events have the same key, however they are cut', async (t) => {
  const frames = new MadeFrames(4)
  const { words } = frames.arena
  const [a, b] = [take(makeFrame(frames, 30, 5)), take(makeFrame(frames, 30, 6))]
  const whole = [partOf(words, a, 0, 30), partOf(words, b, 0, 20)]
  const key = idempotencyKey(words, whole)
  t.match(key, /^[\w-]{22}$/)
  const all = Uint16Array.from({ length: 30 }, (_, i) => i)
  t.equal(idempotencyKey(words, [pickPart(words, a, all)!, whole[1]!]), key)
  const [one, [other]] = splitPart(words, pickPart(words, b, all.slice(0, 20))!, 7)
  t.equal(idempotencyKey(words, [partOf(words, a, 0, 3), partOf(words, a, 3, 30), one, other!]), key)
})

t.test('other events, and another order, have another', async (t) => {
  const frames = new MadeFrames(6)
  const { words } = frames.arena
  const [a, b, c] = [5, 6, 5].map((sequence, i) => take(makeFrame(frames, 30, sequence, i < 2 ? 7 : 8)))
  const parts = [
    partOf(words, a!, 0, 30),
    partOf(words, a!, 1, 30),
    partOf(words, a!, 0, 29),
    partOf(words, b!, 0, 30),
    partOf(words, c!, 0, 30),
    partOf(words, take(a!.frame, { lanes: LANES_FAST }), 0, 30),
    partOf(words, take(a!.frame, { routeBit: 1 }), 0, 30),
    pickPart(words, a!, Uint16Array.of(0, 29))!,
  ]
  const batches = [...parts.map((part) => [part]), [parts[0]!, parts[3]!], [parts[3]!, parts[0]!]]
  t.equal(new Set(batches.map((batch) => idempotencyKey(words, batch))).size, batches.length)
})

t.test('picks of any size, and the same events deferred', async (t) => {
  const property = fc.property(fc.uniqueArray(fc.nat(59), { minLength: 1, maxLength: 60 }), (chosen) => {
    const frames = new MadeFrames(4)
    const { arena } = frames
    const { words } = arena
    const taken = take(makeFrame(frames, 60, 9))
    const part = pickPart(words, taken, Uint16Array.from(chosen.toSorted((x, y) => x - y)))!
    const key = idempotencyKey(words, [part])
    const outFrom = arena.slabStart(3)
    const outTo = outFrom + SLAB_BYTES
    const task = { parts: [encodePart(part)], format: 'frame', compression: 'none', sink: 0 } as const
    const { bytes } = encode(arena, [], { ...task, outFrom, outTo })
    const again = frames.readBack(arena.bytes.slice(outFrom, outFrom + bytes), 0)!
    if (words[(again.region >> 2) + HEADER.KIND] !== FRAME_KIND.DEFERRED) return false
    return idempotencyKey(words, [partOf(words, take(again), 0, again.records)]) === key
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 50 }))
})

t.test('thousands of ranges are more than is hashed at once', async (t) => {
  const frames = new MadeFrames(3)
  const { words } = frames.arena
  const taken = take(makeFrame(frames, 300, 1))
  const part = pickPart(
    words,
    taken,
    Uint16Array.from({ length: 150 }, (_, i) => 2 * i),
  )!
  const many = Array.from({ length: 20 }, () => part)
  t.equal(idempotencyKey(words, many), idempotencyKey(words, many))
  t.not(idempotencyKey(words, many), idempotencyKey(words, many.slice(1)))
})
