import t from 'tap'
import {
  FRAME_BYTES_MAX,
  bodyCrc,
  bodyIsWhole,
  decodeCheckpoint,
  encodeCheckpoint,
  newFrameMemory,
  readHead,
  sealHead,
} from '../../src/journal/frame-codec.ts'
import type { FrameMemory } from '../../src/journal/frame-codec.ts'
import { readEpoch, readU64, writeEpoch, writeU64 } from '../../src/memory/wide-words.ts'
import { findHead, frameAt, headAt, sequenceAfter } from '../../src/journal/scan.ts'
import { FRAME_KIND, HEADER, HEADER_BYTES } from '../../src/memory/frame-region.ts'
import { EPOCH, MadeJournal, events, madeFrame } from './fixtures/made-journal.ts'

const PLACE = { segment: 7, sequence: 2 ** 40 + 3, epoch: EPOCH, acceptedBefore: 12 }

/** Memory like an arena's, with a frame in it. */
function shared(bytes: Uint8Array, at: number): FrameMemory {
  const buffer = new SharedArrayBuffer(at + bytes.length + 1024)
  const memory = {
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
  }
  memory.bytes.set(bytes, at)
  return memory
}

const headOf = ({ words, doubles, bytes }: FrameMemory, at: number) => readHead(words, doubles, bytes, at)

t.test('a header says what was put into it, also in shared memory', async (t) => {
  const records = [...events('a', 3), ...events('b', 2, { fast: true, routes: 5 })]
  const { bytes } = madeFrame({ source: 3, records, rejected: 9, shed: 4 }, PLACE)
  const memory = shared(bytes, 512)
  const head = headOf(memory, 512)!
  t.match(head, {
    kind: FRAME_KIND.EVENTS,
    sequence: 2 ** 40 + 3,
    source: 3,
    records: 5,
    fast: 2,
    runs: 1,
    segment: 7,
    epoch: EPOCH,
    firstTimeMs: 1.7e12 + 2 ** 40 + 3,
    rejected: [9, 0, 0, 0, 0, 0],
    shed: [0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0],
    acceptedBefore: 12,
    frameBytes: bytes.length,
  })
  t.equal(bodyIsWhole(memory.bytes, 512, head), true)
  t.equal(sequenceAfter(head), 2 ** 40 + 4)
})

t.test('no bit of a header, and none of a body, can be another without being noticed', async (t) => {
  const { bytes } = madeFrame({ source: 1, records: events('x', 2) }, PLACE)
  const memory = shared(bytes, 0)
  const bodyEnd = bytes.length - (8 - ((208 + 96 + 32 + 20) % 8)) // the padding has no checksum
  let unnoticed = 0
  for (let bit = 0; bit < bodyEnd * 8; bit++) {
    memory.bytes[bit >> 3]! ^= 1 << (bit & 7)
    const head = headOf(memory, 0)
    if (head !== null && bodyIsWhole(memory.bytes, 0, head)) unnoticed++
    memory.bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
  t.equal(unnoticed, 0)
  t.ok(headOf(memory, 0), 'as it was')
})

t.test('bounds hold also where the checksum is right', async (t) => {
  const broken: readonly (readonly [keyof typeof HEADER, number])[] = [
    ['RECORDS', 16_385],
    ['RECORDS', -1],
    ['RUNS', 1025],
    ['BYTES', (1 << 24) + 1],
    ['BYTES', -8],
    ['FAST', 3],
    ['BREAKS', 3],
    ['KIND', 3],
    ['REJECTED_BY', -1],
    ['SHED_BY', -1],
    ['VERSION', 1],
    ['MAGIC', 0],
  ]
  for (const [name, value] of broken) {
    const { memory, bytes } = madeFrame({ source: 1, records: events('x', 2) }, PLACE)
    memory.words[HEADER[name]] = value
    sealHead(bytes, 0)
    t.equal(headOf(memory, 0), null, `${name} ${value}`)
  }
  const { memory, bytes } = madeFrame({ source: 1, records: [] }, { ...PLACE, acceptedBefore: Number.NaN })
  sealHead(bytes, 0)
  t.equal(headOf(memory, 0), null, 'ACCEPTED_BEFORE is a number')
  t.ok(FRAME_BYTES_MAX < 18 * 2 ** 20)
})

t.test('numbers and epochs of 64 bits', async (t) => {
  const words = new Int32Array(2)
  for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    writeU64(words, 0, value)
    t.equal(readU64(words, 0), value)
  }
  for (const epoch of ['0000000000000000', 'ffffffffffffffff', '8000000100000000', '0123456789abcdef']) {
    writeEpoch(words, 0, epoch)
    t.equal(readEpoch(words, 0), epoch)
  }
  const parts = [Buffer.from('12'), Buffer.from(''), Buffer.from('3')]
  t.equal(bodyCrc(parts), bodyCrc([Buffer.from('123')]))
})

t.test('a checkpoint comes back', async (t) => {
  const journal = new MadeJournal(['push', 'net'], [{ name: 'siem', inputs: [0, 1], filter: 2 }], 41).begin(7)
  journal.frame({ source: 1, records: events('e', 3), rejected: 2 })
  const checkpoint = journal.checkpoint()
  const bytes = encodeCheckpoint(checkpoint)
  t.equal(bytes.length % 8, 0)
  const memory = shared(bytes, 256)
  const head = headOf(memory, 256)!
  t.match(head, { kind: FRAME_KIND.CHECKPOINT, segment: 7, sequence: 42, epoch: EPOCH, records: 0, runs: 0 })
  t.same(decodeCheckpoint(memory.bytes, 256, head), checkpoint)
  t.equal(sequenceAfter(head), 42, 'the frame behind it has the same sequence')
  t.equal(decodeCheckpoint(memory.bytes, 256, { ...head, segment: 8 }), null, 'of another segment')
})

t.test('a checkpoint that points outside of itself is none', async (t) => {
  const good = new MadeJournal(['push'], [{ name: 'siem', inputs: [0] }]).begin().checkpoint()
  const [sink] = good.sinks
  const bad: unknown[] = [
    { ...good, version: 2 },
    { ...good, sinks: [{ ...sink, inputs: [1] }] },
    { ...good, sinks: [sink, sink] },
    { ...good, sinks: [{ ...sink, filter: 16 }] },
    { ...good, sources: [{ ...good.sources[0], accepted: -1 }] },
    { ...good, sources: [{ ...good.sources[0], rejected: [1] }] },
    { ...good, epoch: 'z' },
  ]
  for (const checkpoint of bad) {
    const bytes = encodeCheckpoint({ ...good, ...(checkpoint as typeof good) })
    const memory = shared(bytes, 0)
    const head = headOf(memory, 0)
    t.equal(head && decodeCheckpoint(memory.bytes, 0, { ...head, epoch: good.epoch }), null)
  }
  const memory = shared(encodeCheckpoint(good), 0)
  const head = headOf(memory, 0)!
  memory.bytes[HEADER_BYTES] = 0x5b
  t.equal(decodeCheckpoint(memory.bytes, 0, head), null, 'no JSON')
})

t.test('what stands at an offset', async (t) => {
  const { bytes } = madeFrame({ source: 1, records: events('x', 2) }, PLACE)
  const memory = newFrameMemory(bytes.length + 512)
  memory.bytes.set(bytes, 16)
  const expected = { segment: 7, sequence: PLACE.sequence, epoch: EPOCH }
  const end = 16 + bytes.length
  t.match(frameAt(memory, 16, end, expected), { kind: 'frame', head: { source: 1 } })
  t.match(frameAt(memory, 16, end - 1, expected), { kind: 'short', neededBytes: bytes.length })
  t.match(frameAt(memory, 16, 16 + HEADER_BYTES - 1, expected), { kind: 'short', neededBytes: HEADER_BYTES })
  t.match(headAt(memory, 16, 16 + HEADER_BYTES, expected), { kind: 'frame' })
  t.match(
    frameAt(memory, 16, end, { ...expected, sequence: 5 }),
    { kind: 'frame' },
    'a gap is no fault of it',
  )
  t.match(frameAt(memory, 16, end, { ...expected, epoch: null }), { kind: 'frame' })
  for (const other of [{ segment: 8 }, { sequence: PLACE.sequence + 1 }, { epoch: 'f'.repeat(16) }]) {
    t.match(frameAt(memory, 16, end, { ...expected, ...other }), {
      kind: 'bad',
      reason: 'foreign',
      head: null,
    })
    t.equal(findHead(memory, 0, end, { ...expected, ...other }), -1)
  }
  t.equal(findHead(memory, 0, end, expected), 16)
  t.equal(findHead(memory, 9, end, expected), 16, 'from the next multiple of 8')
  t.equal(findHead(memory, 24, end, expected), -1)
  t.equal(findHead(memory, 0, 16 + HEADER_BYTES - 1, expected), -1, 'all of it has to be there')
  memory.bytes[end - 9]! ^= 1
  t.match(frameAt(memory, 16, end, expected), { kind: 'bad', reason: 'body', head: { source: 1 } })
  t.equal(findHead(memory, 0, end, expected), 16)
})
