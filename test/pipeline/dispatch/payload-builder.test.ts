import { Buffer } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { encode } from '../../../src/encode/encode.ts'
import { BULK } from '../../../src/journal/log.ts'
import type { Taken } from '../../../src/journal/log.ts'
import { FRAME_KIND, HEADER, LANES_BOTH, recordWord } from '../../../src/memory/frame-region.ts'
import { Batch } from '../../../src/pipeline/dispatch/batch.ts'
import { Batcher } from '../../../src/pipeline/dispatch/batcher.ts'
import { PayloadBuilder, overheadBytes } from '../../../src/pipeline/dispatch/payload-builder.ts'
import { sentBytesMax } from './receivers/sent-bytes.ts'
import type { PayloadForm } from '../../../src/pipeline/dispatch/payload-builder.ts'
import { RecordWalk, measureParts, partOf, pickPart } from '../../../src/pipeline/dispatch/record-walk.ts'
import type { Payload } from '../../../src/pipeline/sink.ts'
import { MadeFrames, SLAB_BYTES } from './made-frames.ts'

const PLAIN: PayloadForm = { encoding: 'ndjson', compression: 'none' }

/** A frame of so many events, and what makes payloads of it. */
class Bench {
  readonly frames = new MadeFrames(4)
  readonly taken: Taken
  readonly form: PayloadForm
  readonly builder: PayloadBuilder
  readonly slabsFree: number
  compresses = false
  encodes = 0

  constructor(form: PayloadForm, count = 20) {
    this.form = form
    const { arena, pool } = this.frames
    const frame = this.frames.make(
      0,
      Array.from({ length: count }, (_, n) => ({ text: `{"n":${n}}` })),
    )!
    // The longest ids: of a deferred frame, the highest sequence.
    const header = frame.region >> 2
    arena.words[header + HEADER.KIND] = FRAME_KIND.DEFERRED
    arena.words.set([-1, -1, -1, 0x1fffff], header + HEADER.ORIGIN_EPOCH)
    for (let n = 0; n < count; n++) arena.words[recordWord(frame.region, 0, n) + 3] = (16_000 + n) << 16
    const ranges = [{ first: 0, end: count }]
    this.taken = { frame, lanes: LANES_BOTH, routeBit: 0, ranges, events: count, fast: 0, unsettled: count }
    this.slabsFree = pool.freeCount
    this.builder = new PayloadBuilder({
      ...form,
      arena,
      pool,
      owner: pool.addOwner('sink', 2, 0),
      encoder: {
        encode: async (task) => {
          this.encodes++
          return encode(arena, [], task)
        },
      },
      compresses: () => this.compresses,
    })
  }

  batch(pick: readonly number[] | null = null): Batch {
    const { words } = this.frames.arena
    const part =
      pick === null
        ? partOf(words, this.taken, 0, this.taken.events)
        : pickPart(words, this.taken, Uint16Array.from(pick))!
    const { bytes, runs } = measureParts(
      words,
      [part],
      this.form.encoding !== 'json',
      overheadBytes(this.form),
    )
    return new Batch(BULK, [part], bytes, runs)
  }

  async payload(batch = this.batch()): Promise<Payload> {
    await new Promise<void>((resolve, reject) => {
      const taken = this.builder.prepare(batch, (error) => (error === undefined ? resolve() : reject(error)))
      if (!taken) reject(new Error('no slab'))
      else if (batch.payload !== null) resolve()
    })
    return batch.payload!
  }
}

const textOf = ({ views }: Payload) => Buffer.concat(views).toString()

t.test('auto compresses while it pays, and asks each time', async (t) => {
  const bench = new Bench({ encoding: 'ndjson', compression: 'auto' })
  const batch = bench.batch()
  const plain = await bench.payload(batch)
  t.equal(plain.contentEncoding, '')
  t.equal(bench.encodes, 0)
  bench.compresses = true
  bench.builder.release(batch)
  const packed = await bench.payload(batch)
  t.equal(packed.contentEncoding, 'gzip')
  t.equal(gunzipSync(Buffer.concat(packed.views)).toString(), textOf(plain))
  t.equal(packed.idempotencyKey, plain.idempotencyKey)
  bench.compresses = false
  bench.builder.release(batch)
  t.equal((await bench.payload(batch)).contentEncoding, '')
  t.equal(bench.frames.pool.freeCount, bench.slabsFree)
})

t.test('ids and action lines are made by a task, and counted in the bytes of the batch', async (t) => {
  for (const encoding of ['ndjson', 'json', 'bulk'] as const) {
    for (const eventIdField of ['event_id', null]) {
      const bench = new Bench({ encoding, compression: 'none', eventIdField })
      const batch = bench.batch()
      const payload = await bench.payload(batch)
      const isSentAsItIs = encoding === 'ndjson' && eventIdField === null
      t.equal(bench.encodes, isSentAsItIs ? 0 : 1)
      t.equal(payload.contentType, encoding === 'json' ? 'application/json' : 'application/x-ndjson')
      t.equal(payload.events, 20)
      t.equal(payload.bytes, batch.bytes, 'these ids are the longest')
      const single = await bench.payload(bench.batch([7]))
      t.ok(single.bytes <= sentBytesMax('{"n":7}'.length, bench.form))
    }
  }
})

t.test('picked events go out as views, as long as they are few pieces', async (t) => {
  const bench = new Bench(PLAIN, 80)
  const few = await bench.payload(bench.batch([3, 4, 9]))
  t.equal(textOf(few), '{"n":3}\n{"n":4}\n{"n":9}\n')
  t.equal(few.views.length, 2)
  const even = Array.from({ length: 40 }, (_, n) => 2 * n)
  const many = await bench.payload(bench.batch(even))
  t.equal(textOf(many), even.map((n) => `{"n":${n}}\n`).join(''))
  t.equal(bench.encodes, 1)
  t.not(few.idempotencyKey, many.idempotencyKey)
})

t.test('a batch as large as may be fits its output, with ids and all', async (t) => {
  const form: PayloadForm = { encoding: 'bulk', compression: 'gzip', eventIdField: 'x'.repeat(64) }
  const bench = new Bench(form, 200)
  const { arena } = bench.frames
  let waiting: Taken | null = bench.taken
  const batcher = new Batcher({
    lane: BULK,
    take: () => {
      const taken = waiting
      waiting = null
      return taken
    },
    walk: new RecordWalk(arena.words, true, overheadBytes(form)),
    encoding: form.encoding,
    maxBytes: SLAB_BYTES,
    maxEvents: 1000,
    maxAgeMs: 0,
  })
  let events = 0
  for (let batch = batcher.take(0, true); batch !== null; batch = batcher.take(0, true)) {
    t.ok(batch.bytes <= SLAB_BYTES)
    const payload = await bench.payload(batch)
    events += payload.events
    bench.builder.release(batch)
  }
  t.equal(events, 200)
})
