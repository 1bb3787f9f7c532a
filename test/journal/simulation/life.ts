import assert from 'node:assert/strict'
import type { Clock } from '../../../src/base/clock.ts'
import type { FileIo } from '../../../src/base/file-io.ts'
import { encode } from '../../../src/encode/encode.ts'
import { group } from '../../../src/scan/group.ts'
import { restoreLedger } from '../../../src/app/restore-ledger.ts'
import { LiveFrames } from '../../../src/journal/live-frames.ts'
import { DiskLog } from '../../../src/journal/disk-log.ts'
import type { DiskLogEvents, LogSink } from '../../../src/journal/disk-log-options.ts'
import { readEpoch, readU64 } from '../../../src/memory/wide-words.ts'
import type { Log, LogReader } from '../../../src/journal/log.ts'
import { Arena } from '../../../src/memory/arena.ts'
import {
  HEADER,
  recordLength,
  recordOffset,
  recordWord,
  regionBytes,
} from '../../../src/memory/frame-region.ts'
import { SlabPool } from '../../../src/memory/slab-pool.ts'
import type { SlabOwner } from '../../../src/memory/slab-pool.ts'
import { Dispatcher } from '../../../src/pipeline/dispatch/dispatcher.ts'
import type { DispatcherConfig } from '../../../src/pipeline/dispatch/dispatcher-options.ts'
import { Ledger, SinkCounts, SourceCounts } from '../../../src/pipeline/ledger.ts'
import { checkAge } from './age-check.ts'
import { Destination } from './destination.ts'
import { idOf } from './disk-scan.ts'
import { SealedFrames } from './sealed-frames.ts'
import type { SealedRecord } from './sealed-frames.ts'
import type { Witness, WitnessedEvent, WitnessedSink } from './witness.ts'

export const DIRECTORY = '/data/journal'
const SLAB_BYTES = 8192

export interface SinkPlan extends WitnessedSink {
  readonly lookaheadBytes: number
  readonly readBackSlabs: number
  readonly config: DispatcherConfig
}

export interface LifePlan {
  readonly number: number
  /** Names. */
  readonly sources: readonly string[]
  readonly sinks: readonly SinkPlan[]
  readonly segmentBytes: number
  readonly liveSlabsMax: number
  readonly sharedSlabs: number
}

/** Parts of a life that a test may spoil, to see whether that is noticed. */
export interface Sabotage {
  readonly io?: (io: FileIo) => FileIo
  readonly reader?: (reader: LogReader) => LogReader
}

/** From the start of a collector to its end: everything real but clock, disk, destinations and workers' threads. */
export class Life {
  readonly plan: LifePlan
  readonly log: DiskLog
  readonly ledger: Ledger
  readonly destinations: Destination[] = []
  readonly dispatchers: Dispatcher[] = []
  readonly readers: LogReader[] = []
  readonly pool: SlabPool
  readonly told: string[] = []
  readonly clock: Clock
  /** Frames handed over that are not committed. */
  pending = 0
  /** Frames handed over whose peer waits for `delivered`. */
  watched = 0
  #lastSequence = 0
  over = false
  #failure: unknown = null
  readonly arena: Arena
  readonly #frames: SealedFrames
  readonly #witness: Witness
  readonly #random: () => number
  readonly #epoch: string

  constructor(
    plan: LifePlan,
    io: FileIo,
    clock: Clock,
    random: () => number,
    witness: Witness,
    sabotage: Sabotage,
  ) {
    this.plan = plan
    this.clock = clock
    this.#random = random
    this.#witness = witness
    this.#epoch =
      `${plan.number}`.padStart(8, '0') +
      Math.floor(random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0')
    const slabs =
      4 + plan.sharedSlabs + plan.sinks.reduce((sum, { readBackSlabs }) => sum + 2 + readBackSlabs, 0)
    this.arena = Arena.create(slabs * SLAB_BYTES, SLAB_BYTES)
    this.pool = new SlabPool(slabs)
    this.#frames = new SealedFrames(this.arena, this.pool, this.pool.addOwner('frames', 4, 1))
    const counts = plan.sinks.map(
      ({ name, inputs }) =>
        new SinkCounts(
          name,
          inputs.map((input) => plan.sources.indexOf(input)),
        ),
    )
    this.ledger = new Ledger(
      plan.sources.map((name) => new SourceCounts(name)),
      counts,
    )
    const sinks = new Map<string, LogSink>()
    for (const { name, from, lookaheadBytes, readBackSlabs } of plan.sinks) {
      const owner = this.pool.addOwner(`${name} read back`, readBackSlabs, 0)
      sinks.set(name, { from, lookaheadBytes, owner })
    }
    this.log = new DiskLog({
      directory: DIRECTORY,
      io: sabotage.io?.(io) ?? io,
      clock,
      epoch: this.#epoch,
      arena: this.arena,
      pool: this.pool,
      segmentBytes: plan.segmentBytes,
      sources: plan.sources,
      sinks,
      live: new LiveFrames({ slabsMax: plan.liveSlabsMax, slabBytes: this.arena.slabBytes }, clock),
      deadLetters: () => ({ found: 0, replayed: 0, purged: 0, evicted: 0 }),
      events: this.#events(),
    })
    for (const [index, sink] of plan.sinks.entries()) this.#addSink(sink, counts[index]!, sabotage)
  }

  #addSink(sink: SinkPlan, counts: SinkCounts, { reader }: Sabotage): void {
    const { name, filterIndex, config } = sink
    const destination = new Destination({
      name,
      random: this.#random,
      onAccepted: (lines) => {
        this.#note(() => {
          for (const line of lines) this.#witness.done(name, idOf(line), line)
        })
      },
      isRefused: (line) => /[37]"/.test(line),
    })
    this.destinations.push(destination)
    const owner: SlabOwner = this.pool.addOwner(`${name} payloads`, 2, 0)
    const schemas = this.plan.sources.map((source) => ({
      name: source,
      schema: { name: 'any', version: '' },
    }))
    const log: Log = {
      append: (entry) => this.log.append(entry),
      addReader: (options) => {
        const made = this.#observed(this.log.addReader(options))
        this.readers.push(made)
        return reader?.(made) ?? made
      },
    }
    this.dispatchers.push(
      new Dispatcher({
        name,
        sink: destination,
        log,
        inputs: counts.inputs,
        filterIndex,
        config,
        counts,
        pool: this.pool,
        owner,
        arena: this.arena,
        encoder: {
          encode: async (task) => {
            if (this.#random() < 0.1) await this.#later(50)
            return encode(this.arena, schemas, task)
          },
        },
        grouper: { group: async (task) => group(this.arena, task) },
        deadLetters: { healthy: true, write: (_source, lines) => this.#writeLetters(lines) },
        clock: this.clock,
        random: this.#random,
        events: { sinkTaskFailed: (_sink, error) => this.#note(() => assert.fail(error as Error)) },
      }),
    )
  }

  /** Ids of deferred records are looked at as they go by. */
  #observed(reader: LogReader): LogReader {
    if (this.plan.number === 1)
      checkAge(
        reader,
        () => this.#lastSequence,
        (check) => this.#note(check),
      )
    const defer = reader.defer?.bind(reader)
    if (defer === undefined) return Object.defineProperty(reader, 'blocked', { value: false })
    reader.defer = (part, frame, committed) => {
      const { words, bytes } = this.arena
      const region = frame.byteOffset
      const header = region >> 2
      const [records, runs] = [words[header + HEADER.RECORDS]!, words[header + HEADER.RUNS]!]
      const from = region + regionBytes(runs, records)
      const epoch = readEpoch(words, header + HEADER.ORIGIN_EPOCH)
      const sequence = readU64(words, header + HEADER.ORIGIN_SEQUENCE)
      this.#note(() => {
        for (let record = 0; record < records; record++) {
          const word = recordWord(region, runs, record)
          const at = from + recordOffset(words[word]!)
          const text = Buffer.from(bytes.subarray(at, at + recordLength(words[word + 1]!))).toString()
          this.#witness.checkOrigin(idOf(text), epoch, sequence, words[word + 3]! >>> 16)
        }
      })
      this.told.push('deferred')
      defer(part, frame, committed)
    }
    return reader
  }

  async #writeLetters(lines: Uint8Array): Promise<void> {
    const letters = Buffer.from(lines).toString().split('\n').slice(0, -1)
    if (this.#random() < 0.5) await this.#later(300)
    if (this.over) await new Promise(() => {})
    this.#note(() => {
      for (const letter of letters) {
        const { sink, record } = JSON.parse(letter) as { sink: string; record: string }
        this.#witness.done(sink, idOf(record), record)
      }
    })
    this.told.push('dead letters')
  }

  #later(mostMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimeout(resolve, this.#random() * mostMs)
    })
  }

  #events(): DiskLogEvents {
    const tell =
      (name: string) =>
      (...rest: unknown[]) =>
        void this.told.push([name, ...rest.map((value) => JSON.stringify(value))].join(' '))
    return {
      journalDiskFailing: tell('journalDiskFailing'),
      journalDiskRecovered: tell('journalDiskRecovered'),
      journalRemovalFailing: tell('journalRemovalFailing'),
      stateSlotBad: tell('stateSlotBad'),
      stateLost: tell('stateLost'),
      journalFileForeign: tell('journalFileForeign'),
      journalTailCut: tell('journalTailCut'),
      journalDamaged: tell('journalDamaged'),
      journalFileFailing: tell('journalFileFailing'),
      journalQuarantined: tell('journalQuarantined'),
      journalQuarantineFailing: tell('journalQuarantineFailing'),
      eventsDiscarded: tell('eventsDiscarded'),
      journalReadFailing: tell('journalReadFailing'),
      journalStateFailing: tell('journalStateFailing'),
      sinkLeft: tell('sinkLeft'),
      sinkDetached: tell('sinkDetached'),
    }
  }

  /** Rejects where the disk doesn't let it begin. */
  async open(): Promise<void> {
    await this.log.open(() => restoreLedger(this.ledger, this.log))
  }

  start(): void {
    for (const dispatcher of this.dispatchers) dispatcher.start()
  }

  /** Hands a frame over; false when there is no room for it. */
  append(
    source: number,
    records: readonly SealedRecord[],
    rejected: number,
    watch: boolean,
    meantFor: readonly number[] | null = null,
  ): boolean {
    const { clock, plan } = this
    const shed = rejected >> 1
    const sourceName = plan.sources[source]!
    const frame = this.#frames.make({
      source,
      sourceName,
      records,
      runs: Math.floor(this.#random() * 3),
      rejected,
      shed,
      receivedAtMs: clock.wallClock(),
      meantFor,
    })
    if (frame === null) return false
    const events: WitnessedEvent[] = []
    const counts = this.ledger.sources[source]!
    const settled = () => {
      this.watched--
      this.#note(() => {
        assert(
          events.every(({ acknowledged }) => acknowledged),
          'settled after it is committed',
        )
        assert(this.#witness.isSettled(events), 'delivered is told when all sinks have settled it')
      })
    }
    if (watch) this.watched++
    this.pending++
    let sequence = 0
    this.log.append({
      frame,
      committed: () => {
        this.pending--
        this.#lastSequence = sequence
        counts.received += records.length + rejected + shed
        counts.accepted += records.length
        counts.rejected[1]! += rejected
        counts.shedBy[2]! += shed
        counts.receivedBytes += frame.bytesTo - frame.bytesFrom
        this.#note(() => {
          assert.equal(frame.position.sequence, sequence, 'sequence of a frame')
          this.#witness.committed(sequence, events)
        })
      },
      ...(watch ? { settled } : {}),
    })
    sequence = readU64(this.arena.words, (frame.region >> 2) + HEADER.SEQUENCE)
    for (const [index, { text, fast, routes }] of records.entries())
      events.push({
        id: idOf(text),
        source: sourceName,
        text,
        fast,
        routes,
        meantFor: meantFor?.map((sink) => plan.sinks[sink]!.name) ?? null,
        life: plan.number,
        epoch: this.#epoch,
        sequence,
        index,
        acknowledged: false,
      })
    this.#witness.appended(events)
    return true
  }

  /** What is noticed in somebody's callback must not disturb him: `check` tells. */
  #note(look: () => void): void {
    if (this.over) return
    try {
      look()
    } catch (error) {
      this.#failure ??= error
    }
  }

  /** Throws where a promise was broken, or the ledger doesn't balance. */
  check(): void {
    if (this.#failure !== null) throw this.#failure
    const found = this.ledger.imbalances().filter(({ where }) => where !== 'dead-letter queue')
    assert.deepEqual(found, [], 'the ledger balances')
    for (const { name, offered, delivered, held } of this.ledger.sinks) {
      for (const [lane, count] of held().entries())
        assert(count >= 0 && offered[lane]! >= delivered[lane]! + count, `${name}: held in lane ${lane}`)
    }
  }

  get held(): number {
    return this.ledger.heldEvents()
  }

  /** Stops as a collector does: what is in flight is waited for, what is held stays. */
  async stop(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.dispatchers.map((dispatcher) => dispatcher.halt(deadline)))
    await this.log.stop(deadline)
    this.#frames.close()
  }

  /** Whoever is left over of it is not listened to any more. */
  end(): void {
    this.over = true
  }
}
