import t from 'tap'
import type { Test } from 'tap'
import { DEAD_LETTER_RECORD_BYTES_MAX } from '../../../src/encode/dead-letter.ts'
import type { Stream } from '../../../src/pipeline/intake/stream.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { IntakeRig, turnOfLoop } from './fixtures/intake-rig.ts'
import type { IntakeRigOptions } from './fixtures/intake-rig.ts'
import { madeMessages } from './fixtures/made-messages.ts'
import { madeStream } from './fixtures/made-stream.ts'
import type { MadeStream, Sizes } from './fixtures/made-stream.ts'

const KIB = 1024

/** A sender that obeys backpressure; lines may also come as a hot connection's, straight into a lane. */
class Sender {
  readonly made: MadeStream
  readonly stream: Stream
  readonly #bytes: Buffer
  readonly #random: () => number
  readonly #scratch = Buffer.alloc(64 * KIB)
  readonly #reuses: boolean
  readonly #chunkMax: number
  #at = 0
  ready = true
  ended = false
  done = false

  constructor(rig: IntakeRig, peer: string, made: MadeStream, random: () => number) {
    this.made = made
    this.#bytes = Buffer.from(made.bytes, 'latin1')
    this.#random = random
    this.#reuses = hasLines(made) && random() < 0.7
    this.#chunkMax = [1, 7, 200, 3000, 64 * KIB, 64 * KIB][Math.floor(random() * 6)]!
    // One byte at a time is for short streams.
    this.#chunkMax = Math.max(this.#chunkMax, Math.floor(this.#bytes.length / 500))
    this.stream = rig.intake.openStream({
      peer,
      framing: made.framing,
      reusesBuffer: this.#reuses,
      onDrain: () => (this.ready = true),
      onDone: () => (this.done = true),
    })
  }

  step(): void {
    if (this.ended || !this.ready) return
    if (this.#at === this.#bytes.length) {
      this.ended = true
      this.stream.end(this.made.clean)
      return
    }
    const writer = this.stream.lineWriter
    if (writer !== null && hasLines(this.made) && !this.stream.waiting) {
      const dice = this.#random()
      if (writer.lane === null && dice < 0.1) {
        if (!writer.openLane()) this.ready = false
        if (!this.ready) return
      } else if (writer.lane !== null && dice < 0.1) writer.closeLane()
      if (writer.lane !== null && this.#random() < 0.7) {
        this.#readIntoLane()
        return
      }
    }
    this.#write()
  }

  #next(most: number): Buffer {
    const length = 1 + Math.floor(this.#random() * Math.min(this.#chunkMax, most))
    const chunk = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += chunk.length
    return chunk
  }

  #write(): void {
    const chunk = this.#next(64 * KIB)
    if (!this.#reuses) this.ready = this.stream.write(chunk)
    else {
      const copy = this.#scratch.subarray(0, chunk.copy(this.#scratch))
      this.ready = this.stream.write(copy)
      this.#scratch.fill(0x21, 0, copy.length)
    }
  }

  #readIntoLane(): void {
    const writer = this.stream.lineWriter!
    const space = writer.space()
    if (space === null) this.ready = false
    else {
      const chunk = this.#next(space.length)
      space.set(chunk)
      writer.wrote(chunk.length)
    }
  }
}

/** The main thread sees where its records end. */
function hasLines({ framing }: MadeStream): boolean {
  return framing !== 'auto' && framing !== 'documents'
}

interface Scenario {
  readonly rig: Omit<IntakeRigOptions, 'random'>
  readonly sizes: Sizes
  readonly streams: number
  /** How often workers die. Not oftener, or a record is blamed for it. */
  readonly deaths?: number
}

const SIZES: Sizes = { records: 300, maxRecordBytes: 64 * KIB, long: 0.02, tiny: 0.2, bad: 0.05 }
const RIG = { slabBytes: 128 * KIB, slabs: 12 }
const DECODED = { ...RIG, decoded: true }
const scenarios: Record<string, Scenario> = {
  mixed: { rig: RIG, sizes: SIZES, streams: 12 },
  'few slabs': { rig: { ...RIG, slabs: 7, workerCount: 1 }, sizes: SIZES, streams: 10 },
  'a short ring': { rig: { ...RIG, ringEntries: 2 }, sizes: SIZES, streams: 10 },
  'a ring of one': { rig: { ...RIG, ringEntries: 1, slabs: 8, workerCount: 1 }, sizes: SIZES, streams: 6 },
  'few blocks': { rig: { ...RIG, blocks: 2 }, sizes: SIZES, streams: 12 },
  'long records': { rig: RIG, sizes: { ...SIZES, long: 0.5, records: 60, bad: 0.2 }, streams: 8 },
  'tiny records, then long ones': {
    rig: RIG,
    sizes: { ...SIZES, tiny: 0.98, long: 0.01, records: 12_000 },
    streams: 5,
  },
  'nothing but bad ones': { rig: RIG, sizes: { ...SIZES, bad: 1, records: 2000 }, streams: 6 },
  decoded: { rig: DECODED, sizes: SIZES, streams: 12 },
  'decoded, few slabs': { rig: { ...DECODED, slabs: 9, workerCount: 1 }, sizes: SIZES, streams: 10 },
  'decoded, a short ring': { rig: { ...DECODED, ringEntries: 2 }, sizes: SIZES, streams: 10 },
  'workers that die': { rig: RIG, sizes: SIZES, streams: 10, deaths: 3 },
  'decoded, workers that die': {
    rig: { ...DECODED, slabs: 9, workerCount: 2 },
    sizes: SIZES,
    streams: 10,
    deaths: 3,
  },
  'decoded, few blocks': { rig: { ...DECODED, blocks: 2 }, sizes: SIZES, streams: 12 },
  'decoded, long messages': {
    rig: DECODED,
    sizes: { ...SIZES, long: 0.5, records: 60, bad: 0.2 },
    streams: 8,
  },
  'decoded, short messages, then long ones': {
    rig: DECODED,
    sizes: { ...SIZES, tiny: 0.98, long: 0.01, records: 12_000, bad: 0.001 },
    streams: 5,
  },
}

async function run(seed: number, { rig: options, sizes, streams, deaths = 0 }: Scenario): Promise<string[]> {
  const random = seededRandom(seed)
  const below = (n: number) => Math.floor(random() * n)
  const rig = new IntakeRig({ ...options, random })
  const senders = new Map<string, Sender>()
  const open = () => {
    const peer = `peer-${senders.size}`
    const made = options.decoded === true ? madeMessages(random, sizes) : madeStream(random, sizes)
    senders.set(peer, new Sender(rig, peer, made, random))
  }
  for (let i = 0; i < streams / 2; i++) open()
  let peak = 0
  let deathsLeft = deaths
  for (let turn = 0; turn < 100_000; turn++) {
    if (senders.size < streams && below(20) === 0) open()
    const all = [...senders.values()]
    if (senders.size >= streams && all.every(({ ended }) => ended)) break
    // Nothing can go on but by what is released: so it is, in the end.
    const eager = below(3) === 0
    for (const sender of all) if (below(3) > 0) sender.step()
    if (eager || below(3) === 0) rig.work()
    if (deathsLeft > 0 && rig.tasks > 1 && below(8) === 0) {
      deathsLeft--
      rig.crash(below(2) === 0)
    }
    if (eager || below(4) === 0) rig.store()
    if (eager || below(5) === 0) rig.settle()
    if (below(10) === 0) rig.clock.pass(5)
    if (below(400) === 0) {
      rig.intake.setAccepting(false)
      setImmediate(() => rig.intake.setAccepting(true))
    }
    peak = Math.max(peak, rig.extents.depth)
    if (below(2) === 0) await turnOfLoop()
  }
  await rig.finish()
  return problems(rig, senders)
}

/** What does not hold in the end. */
function problems(rig: IntakeRig, senders: ReadonlyMap<string, Sender>): string[] {
  const found: string[] = []
  const check = (isSo: boolean, what: string) => {
    if (!isSo) found.push(what)
  }
  let accepted = 0
  let rejected = 0
  for (const [peer, { made, stream, ended, done }] of senders) {
    const of = `${peer} (${made.framing}, ${made.bytes.length} bytes, ${made.clean ? 'clean' : 'broken'})`
    check(ended, `${of} never came to its end`)
    check(done, `${of} is not done`)
    const got = rig.accepted.get(peer) ?? []
    check(
      same(got, made.accepted),
      `${of}: accepted ${got.length} of ${made.accepted.length}${difference(got, made.accepted)}`,
    )
    const letters = (rig.letters.get(peer) ?? []).map(
      ({ category, record, length }) => `${category} ${length ?? record.length} ${record}`,
    )
    const wanted = made.rejected.map(
      ([category, record]) => `${category} ${record.length} ${record.slice(0, DEAD_LETTER_RECORD_BYTES_MAX)}`,
    )
    // Parts of an extent are stored in any order.
    letters.sort()
    wanted.sort()
    check(
      same(letters, wanted),
      `${of}: rejected ${letters.length} of ${wanted.length}${difference(letters, wanted)}`,
    )
    check(stream.accepted === made.accepted.length, `${of}: counts ${stream.accepted} accepted`)
    check(stream.rejected === made.rejected.length, `${of}: counts ${stream.rejected} rejected`)
    accepted += got.length
    rejected += letters.length
  }
  const { counts, intake } = rig
  check(counts.accepted === accepted, `ledger: accepted ${counts.accepted}, found ${accepted}`)
  check(counts.rejectedTotal === rejected, `ledger: rejected ${counts.rejectedTotal}, found ${rejected}`)
  check(counts.received === accepted + rejected, `ledger: received ${counts.received}`)
  check(intake.idle, 'the intake is not idle')
  check(!intake.full, 'the intake is still full')
  check(intake.openStreams === 0, `${intake.openStreams} streams are open`)
  check(intake.uncommittedBytes === 0, `${intake.uncommittedBytes} bytes are uncommitted`)
  check(rig.stop() === 0, `${rig.pool.slabCount - rig.pool.freeCount} slabs did not come back`)
  return found
}

function same(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i])
}

function difference(left: readonly string[], right: readonly string[]): string {
  const at = right.findIndex((value, i) => value !== left[i])
  return ` at ${at}: got ${left[at]?.slice(0, 60)}, wanted ${right[at]?.slice(0, 60)}`
}

async function holds(test: Test, seed: number, scenario: Scenario): Promise<void> {
  let found: string[]
  try {
    found = await run(seed, scenario)
  } catch (error) {
    found = [String((error as Error).stack)]
  }
  test.strictSame(found, [], `seed ${seed}`)
}

const first = Number(process.env.SEED ?? 1)
const count = Number(process.env.SEEDS ?? 3)
for (const [name, scenario] of Object.entries(scenarios)) {
  t.test(`every byte is accounted for, in order: ${name}`, async (t) => {
    for (let seed = first; seed < first + count; seed++) {
      await holds(t, seed, scenario)
    }
  })
}
