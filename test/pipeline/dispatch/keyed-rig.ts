import { hold, letGo } from '../../../src/journal/frame.ts'
import type { Frame } from '../../../src/journal/frame.ts'
import { BULK } from '../../../src/journal/log.ts'
import type { LaneIndex, LogReader, Taken, TakenPart } from '../../../src/journal/log.ts'
import { Window } from '../../../src/journal/window.ts'
import {
  LANES_BOTH,
  LANES_BULK,
  recordLength,
  recordOffset,
  recordWord,
} from '../../../src/memory/frame-region.ts'
import type { Batch } from '../../../src/pipeline/dispatch/batch.ts'
import { KeyedCutter } from '../../../src/pipeline/dispatch/keyed-cutter.ts'
import type { KeyedCutterOptions } from '../../../src/pipeline/dispatch/keyed-cutter.ts'
import type { Group } from '../../../src/pipeline/dispatch/keys/grouping.ts'
import { Limiter } from '../../../src/pipeline/dispatch/limits/limiter.ts'
import type { RateLimit } from '../../../src/pipeline/dispatch/limits/limiter.ts'
import { RecordWalk, recordsOf } from '../../../src/pipeline/dispatch/record-walk.ts'
import { MadeFrames } from './made-frames.ts'
import type { MadeRecord } from './made-frames.ts'

/** A frame that is on disk: its records say `key:number`. */
interface Stored {
  readonly source: number
  readonly records: readonly MadeRecord[]
  readonly isDeferred: boolean
}

export interface KeyedRigOptions {
  readonly rateLimit: RateLimit
  /** Frames that have room in memory; further ones stay in the log until one is settled. */
  readonly slabs?: number
  readonly cutter?: Partial<KeyedCutterOptions>
  /** A log without deferral, as in memory mode. */
  readonly canDefer?: boolean
}

/** A keyed cutter over a log of made frames, which gives a frame only while there is a slab for it. */
export class KeyedRig implements LogReader {
  nowMs = 1000
  readonly frames: MadeFrames
  readonly limiter: Limiter
  readonly cutter: KeyedCutter
  readonly disk: Stored[] = []
  readonly #window = new Window(hold, letGo)
  /** Cut and not sent. */
  readonly unsent: Batch[] = []
  /** What was sent, in order. */
  readonly sent: { readonly key: string; readonly lane: LaneIndex; readonly texts: readonly string[] }[] = []
  readonly failures: unknown[] = []
  deferrals = 0
  grouped = 0
  blocked = false
  /** How frames are told apart; by what stands before the colon, at once. */
  group: (of: Taken) => Promise<readonly Group[]> = async (of) => this.groupsOf(of)
  readonly defer?: NonNullable<LogReader['defer']>
  #sequence = 0

  constructor({ rateLimit, slabs = 64, cutter = {}, canDefer = true }: KeyedRigOptions) {
    this.frames = new MadeFrames(slabs)
    this.limiter = new Limiter(rateLimit, this.nowMs)
    const { words } = this.frames.arena
    if (canDefer) this.defer = () => {}
    this.cutter = new KeyedCutter({
      reader: this,
      keyOf: 'field',
      group: (of) => this.group(of),
      limiter: this.limiter,
      words,
      walk: new RecordWalk(words, true),
      encoding: 'ndjson',
      maxBytes: Math.min(1000, this.limiter.maxBytes),
      maxEvents: Math.min(10, this.limiter.maxEvents),
      maxAgeMs: 50,
      mayCut: (key) => !this.unsent.some((batch) => batch.key === key),
      inOrder: false,
      onGrouped: () => this.grouped++,
      onGroupFailure: (error) => this.failures.push(error),
      nowMs: this.nowMs,
      ...cutter,
    })
  }

  add(source: number, ...records: readonly (string | MadeRecord)[]): void {
    const made = records.map((record) => (typeof record === 'string' ? { text: record } : record))
    this.disk.push({ source, records: made, isDeferred: false })
    this.readOn()
  }

  /** Frames come to hand as far as there is room. */
  readOn(): void {
    while (this.disk.length > 0) {
      const { source, records, isDeferred } = this.disk[0]!
      const frame = this.frames.make(source, records)
      if (frame === null) return
      this.disk.shift()
      frame.position = { segment: 0, offset: 0, sequence: ++this.#sequence }
      frame.originSequence = isDeferred ? 0 : this.#sequence
      frame.committedAtMs = this.nowMs
      const ranges = [{ first: 0, end: frame.records }]
      const { fast } = frame
      this.#window.push({ frame, routeBit: 0, lanes: LANES_BOTH, ranges, bulk: frame.records - fast, fast })
    }
  }

  takeBulk(): Taken | null {
    return this.#window.takeBulk()
  }

  takeFast(): Taken | null {
    return this.#window.takeFast()
  }

  settle(of: Taken, events: number): void {
    of.unsettled -= events
    if (of.unsettled < 0) throw new Error('settled twice')
    if (of.unsettled === 0) letGo(of.frame)
    this.readOn()
  }

  get caughtUp(): boolean {
    return this.#window.length === 0 && this.disk.length === 0
  }

  readonly backlogBytes = 0

  get waiting(): number {
    return this.#window.length
  }

  held(): readonly [number, number] {
    return this.#window.held()
  }

  /** Cuts until nothing more may be cut. */
  cutAll(flush = false): Batch[] {
    const batches: Batch[] = []
    for (const lane of [1, 0] as const) {
      for (;;) {
        const batch = this.cutter.take(lane, this.nowMs, flush)
        if (batch === null) break
        batches.push(batch)
        this.unsent.push(batch)
      }
    }
    this.cutter.look(this.nowMs)
    return batches
  }

  /** Sends what the limits let go, and settles it. */
  sendAll(): void {
    for (const batch of this.unsent.slice()) {
      if (this.limiter.waitMs(batch.key, batch, this.nowMs) > 0) continue
      this.limiter.take(batch.key, batch, this.nowMs)
      this.unsent.splice(this.unsent.indexOf(batch), 1)
      this.sent.push({ key: batch.key, lane: batch.lane, texts: this.textsOf(batch.parts) })
      for (const { of, events } of batch.parts) this.settle(of, events)
    }
  }

  /** Puts what is given for it to the end of the log. */
  deferSome(): boolean {
    const batch = this.cutter.takeWaiting(this.nowMs)
    if (batch === null) return false
    this.deferrals++
    for (const part of batch.parts) {
      const records = this.#madeOf(part)
      this.disk.push({ source: part.of.frame.source, records, isDeferred: true })
      this.settle(part.of, part.events)
    }
    return true
  }

  /** One look of a dispatcher at everything. */
  async pump(flush = false): Promise<void> {
    this.cutAll(flush)
    this.deferSome()
    this.sendAll()
    await turn()
  }

  async pass(durationMs: number, stepMs = 50, flush = false): Promise<void> {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs;) {
      this.nowMs += stepMs
      // oxlint-disable-next-line no-await-in-loop
      await this.pump(flush)
    }
  }

  textsOf(parts: Iterable<TakenPart>): string[] {
    return [...parts].flatMap((part) => this.#madeOf(part).map(({ text }) => text))
  }

  /** Everything that is somewhere and not sent. */
  unsettled(): string[] {
    const atHand: string[] = []
    this.#window.forEach(({ frame }, passedByFast) => {
      const lanes = passedByFast ? LANES_BULK : LANES_BOTH
      const all = { first: 0, count: frame.records, pick: null, events: 0, fast: 0 }
      const of = { frame, lanes, routeBit: 0, ranges: [], events: 0, fast: 0, unsettled: 0 }
      const { words } = this.frames.arena
      const events = passedByFast ? frame.records - frame.fast : frame.records
      atHand.push(
        ...Array.from(recordsOf(words, { ...all, of, events }), (record) => this.#text(frame, record)),
      )
    })
    return [
      ...this.disk.flatMap(({ records }) => records.map(({ text }) => text)),
      ...atHand,
      ...this.textsOf(this.cutter.unbatched(this.frames.arena.words)),
      ...this.unsent.flatMap(({ parts }) => this.textsOf(parts)),
    ]
  }

  groupsOf(of: Taken): Group[] {
    const groups = new Map<string, number[]>()
    for (const { first, end } of of.ranges) {
      const all = { of, first, count: end - first, pick: null, events: of.events, fast: of.fast }
      for (const record of recordsOf(this.frames.arena.words, all)) {
        const key = this.#text(of.frame, record).split(':')[0]!
        groups.set(key, [...(groups.get(key) ?? []), record])
      }
    }
    return Array.from(groups, ([key, records]) => ({ key, pick: Uint16Array.from(records) }))
  }

  #madeOf(part: TakenPart): MadeRecord[] {
    const { words } = this.frames.arena
    const { frame } = part.of
    const made: MadeRecord[] = []
    for (const record of recordsOf(words, part)) {
      const fast = (words[recordWord(frame.region, frame.runs, record)]! & (1 << 28)) !== 0
      made.push({ text: this.#text(frame, record), fast })
    }
    if (made.length !== part.events) throw new Error('a part counts its events')
    if (made.filter(({ fast }) => fast === true).length !== part.fast)
      throw new Error('a part counts by lane')
    return made
  }

  #text({ region, runs, bytesFrom }: Frame, record: number): string {
    const { words, bytes } = this.frames.arena
    const word = recordWord(region, runs, record)
    const from = bytesFrom + recordOffset(words[word]!)
    return Buffer.from(bytes.slice(from, from + recordLength(words[word + 1]!))).toString()
  }
}

/** Lets promises that are kept do what follows. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

export const isBulk = ({ lane }: { readonly lane: LaneIndex }): boolean => lane === BULK
