/* oxlint-disable no-await-in-loop -- one commit after another, one file after another */
import assert from 'node:assert'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { reasonOf, spwError } from '../base/errors.ts'
import type { SpillwayError } from '../base/errors.ts'
import { MIB } from '../base/units.ts'
import { countLetters } from './count-letters.ts'
import type { DeadLetters } from './dead-letters.ts'
import { nodeFileIo } from '../base/file-io.ts'
import type { FileIo } from '../base/file-io.ts'
import { parseFileName } from './letter-file.ts'
import type { LetterFile } from './letter-file.ts'
import { LetterSeries } from './letter-series.ts'

const FILE_BYTES_MAX = 64 * MIB
/** Files that a full queue should have at least, so that little goes when the oldest goes. */
const FILES_WHEN_FULL = 16
const FILES_PER_SHARE = 4
/** Files over all sources. Reached only when a failing disk leaves many small ones; then the oldest go. */
const FILES_MAX = 4096
const PROBE_FILE = '.writable'
const RETRY_INITIAL_MS = 100
const RETRY_MAX_MS = 5000

/** Counts that the queue keeps; the ledger's. */
export interface DeadLetterTally {
  found: number
  queued: number
  evicted: number
}

/** What the queue tells the operator. */
export interface DeadLetterEvents {
  deadLetterDiskFailing(reason: string, retryMs: number): void
  deadLetterDiskRecovered(outageMs: number): void
  deadLettersEvicted(source: string, count: number, bytes: number): void
  deadLetterTorn(file: string, bytes: number): void
}

/** What one commit writes of one series: its first `count` pending writes. */
interface Group {
  readonly series: LetterSeries
  readonly count: number
}

export interface DeadLetterQueueOptions {
  /** `data_dir/dlq`; made when missing. */
  readonly directory: string
  /** `dlq.max_bytes`: of all files, the open ones included. */
  readonly maxBytes: number
  /** Default: a sixteenth of `maxBytes`, at most 64 MiB. */
  readonly fileBytesMax?: number
  readonly clock: Clock
  readonly counts: DeadLetterTally
  readonly events: DeadLetterEvents
  readonly io?: FileIo
  /** Makes durable what was counted, before letters that are counted as evicted go. */
  readonly beforeEviction?: () => Promise<void>
}

/**
 * The dead-letter queue on disk: NDJSON files, each of one source, rotated by size.
 *
 * Writes that arrive while a commit runs are served by the next one together: one `writev` and one fdatasync a file.
 * When the queue is full, the source that uses most loses its oldest file; so a flooding source evicts its own letters,
 * and whoever keeps to an equal share of `maxBytes` loses none. A failing disk is waited for, and nothing that was
 * acknowledged is lost by it. Before a write there is always room for it within `maxBytes`; only a single write larger
 * than its source's share may pass it, until the next one.
 *
 * Memory: a few hundred bytes a file. The bytes that wait are the callers' own, so they are bounded by what those have.
 */
export class DeadLetterQueue implements DeadLetters {
  readonly #directory: string
  readonly #maxBytes: number
  readonly #fileBytesMax: number
  readonly #clock: Clock
  readonly #counts: DeadLetterTally
  readonly #events: DeadLetterEvents
  readonly #io: FileIo
  readonly #beforeEviction: () => Promise<void>
  /** One for each source that has had letters: as many as the configuration has sources, and those found at start. */
  readonly #series = new Map<string, LetterSeries>()
  #lastSequence = 0
  #state: 'new' | 'running' | 'stopping' | 'stopped' = 'new'
  #loop: Promise<void> | null = null
  #wake: (() => void) | null = null
  #failingSinceMs: number | null = null

  constructor(options: DeadLetterQueueOptions) {
    this.#directory = options.directory
    this.#maxBytes = options.maxBytes
    this.#fileBytesMax =
      options.fileBytesMax ?? Math.min(FILE_BYTES_MAX, Math.ceil(options.maxBytes / FILES_WHEN_FULL))
    this.#clock = options.clock
    this.#counts = options.counts
    this.#events = options.events
    this.#io = options.io ?? nodeFileIo
    this.#beforeEviction = options.beforeEviction ?? (() => Promise.resolve())
  }

  get healthy(): boolean {
    return this.#failingSinceMs === null
  }

  /** What all files take on disk. */
  get bytes(): number {
    let bytes = 0
    for (const series of this.#series.values()) bytes += series.diskBytes
    return bytes
  }

  get fileCount(): number {
    let count = 0
    for (const series of this.#series.values()) count += series.files.length
    return count
  }

  /** Counts what an earlier run left. Throws SPW_ERR_DLQ_UNUSABLE. */
  async start(): Promise<void> {
    assert(this.#state === 'new', 'a queue is started once')
    try {
      await this.#io.makeDirectory(this.#directory)
      await this.#probe()
      await this.#find()
      await this.#makeRoom([])
    } catch (error) {
      const reason = reasonOf(error)
      throw spwError('SPW_ERR_DLQ_UNUSABLE', { directory: this.#directory, reason }, { cause: error })
    }
    this.#state = 'running'
    this.#loop = this.#run()
  }

  /**
   * As DeadLetters.write. In one step with resolving, the lines are counted as `queued`; the caller counts its verdict as
   * soon as it knows, with nothing awaited in between.
   */
  write(source: string, lines: Uint8Array, count: number): Promise<void> {
    if (this.#state !== 'running') return Promise.reject(stoppedError(source, count))
    return new Promise((resolve, reject) => {
      const committed = () => {
        this.#counts.queued += count
        resolve()
      }
      this.#seriesOf(source).pending.push({ lines, letters: count, resolve: committed, reject })
      this.#wake?.()
    })
  }

  /** Commits what waits, if the disk lets it, refuses the rest, and closes the files. */
  async stop(): Promise<void> {
    if (this.#state === 'running') this.#state = 'stopping'
    // One last attempt for what waits for its next one.
    for (const series of this.#series.values()) series.retryAtMs = 0
    this.#wake?.()
    await this.#loop
    this.#state = 'stopped'
  }

  async #run(): Promise<void> {
    for (;;) {
      const due = this.#due()
      if (due.length > 0) {
        await this.#commit(due)
      } else if (this.#state === 'running') {
        await this.#sleep()
      } else {
        break
      }
    }
    for (const { source, pending } of this.#series.values()) {
      for (const { letters, reject } of pending.splice(0)) reject(stoppedError(source, letters))
    }
    await Promise.all([...this.#series.values()].map((series) => series.finish()))
  }

  #due(): LetterSeries[] {
    const now = this.#clock.now()
    return [...this.#series.values()].filter(
      ({ pending, retryAtMs }) => pending.length > 0 && retryAtMs <= now,
    )
  }

  /** Until there is a new write, a retry is due, or the queue is stopped. */
  async #sleep(): Promise<void> {
    let retryAtMs = Infinity
    for (const series of this.#series.values()) {
      if (series.pending.length > 0) retryAtMs = Math.min(retryAtMs, series.retryAtMs)
    }
    await new Promise<void>((resolve) => {
      const timer =
        retryAtMs === Infinity
          ? null
          : this.#clock.setTimeout(() => this.#wake?.(), Math.max(1, retryAtMs - this.#clock.now()))
      this.#wake = () => {
        this.#wake = null
        timer?.clear()
        resolve()
      }
    })
  }

  async #commit(due: readonly LetterSeries[]): Promise<void> {
    const fileBytesMax = this.#fileBytesMaxNow()
    const groups = due.map((series) => ({ series, count: series.groupCount(fileBytesMax) }))
    try {
      await this.#makeRoom(groups)
    } catch (error) {
      for (const series of due) this.#failed(series, error)
      return
    }
    const results = await Promise.allSettled(
      groups.map(({ series, count }) => series.append(count, fileBytesMax)),
    )
    for (const [index, result] of results.entries()) {
      const { series } = groups[index]!
      if (result.status === 'rejected') this.#failed(series, result.reason)
      else series.failures = 0
    }
    this.#noteRecovery()
  }

  /**
   * Drops oldest files until the groups fit. The source that uses most, what it is about to write included, is over its
   * equal share whenever the sum is over `maxBytes`.
   */
  async #makeRoom(groups: readonly Group[]): Promise<void> {
    let dropped = false
    for (;;) {
      const series = this.#overShare(groups)
      if (series === null) break
      await this.#countEvicted(series)
      await series.dropOldest()
      dropped = true
    }
    if (dropped) await this.#io.syncDirectory(this.#directory)
  }

  /** First counted, then unlinked: a crash in between leaves letters that are found again, never any that are missing. */
  async #countEvicted({ source, files }: LetterSeries): Promise<void> {
    const file = files[0]!
    const { letters, bytes } = file
    if (letters === 0) return
    file.letters = 0
    this.#counts.evicted += letters
    this.#counts.queued -= letters
    this.#events.deadLettersEvicted(source, letters, bytes)
    await this.#beforeEviction()
  }

  /** The series that must lose a file now, or null. */
  #overShare(groups: readonly Group[]): LetterSeries | null {
    if (this.fileCount > FILES_MAX) return this.#withMostFiles()
    let sum = 0
    let most: LetterSeries | null = null
    let mostBytes = this.#shareBytes()
    for (const series of this.#series.values()) {
      const group = groups.find((candidate) => candidate.series === series)
      const bytes = series.diskBytes + (group === undefined ? 0 : series.groupBytes(group.count))
      sum += bytes
      if (series.files.length === 0 || bytes <= mostBytes) continue
      most = series
      mostBytes = bytes
    }
    return sum > this.#maxBytes ? most : null
  }

  #withMostFiles(): LetterSeries {
    const all = [...this.#series.values()]
    return all.reduce((most, series) => (series.files.length > most.files.length ? series : most))
  }

  #shareBytes(): number {
    let sharers = 0
    for (const { files, pending } of this.#series.values()) if (files.length + pending.length > 0) sharers++
    return this.#maxBytes / Math.max(1, sharers)
  }

  /** Files are smaller where shares are small, so that one eviction takes no more than a quarter of a share. */
  #fileBytesMaxNow(): number {
    return Math.min(this.#fileBytesMax, this.#shareBytes() / FILES_PER_SHARE)
  }

  #failed(series: LetterSeries, error: unknown): void {
    const retryMs = Math.min(RETRY_INITIAL_MS * 2 ** series.failures, RETRY_MAX_MS)
    series.failures++
    series.retryAtMs = this.#clock.now() + retryMs
    this.#failingSinceMs ??= this.#clock.now()
    this.#events.deadLetterDiskFailing(reasonOf(error), retryMs)
  }

  #noteRecovery(): void {
    if (this.#failingSinceMs === null) return
    for (const { failures } of this.#series.values()) if (failures > 0) return
    const outageMs = this.#clock.now() - this.#failingSinceMs
    this.#failingSinceMs = null
    this.#events.deadLetterDiskRecovered(outageMs)
  }

  /** A directory that can't be written is better known now than with the first dead letter. */
  async #probe(): Promise<void> {
    const path = join(this.#directory, PROBE_FILE)
    await this.#io.unlink(path).catch(() => {})
    const file = await this.#io.open(path, 'create')
    await file.close()
    await this.#io.unlink(path)
  }

  async #find(): Promise<void> {
    const found: { source: string; file: LetterFile }[] = []
    for (const name of await this.#io.list(this.#directory)) {
      const parsed = parseFileName(name)
      if (parsed === undefined) continue
      const { letters, bytes, tornBytes } = await countLetters(this.#io, join(this.#directory, name))
      if (tornBytes > 0) this.#events.deadLetterTorn(name, tornBytes)
      this.#counts.found += letters
      this.#counts.queued += letters
      const { source, sequence } = parsed
      found.push({ source, file: { name, sequence, bytes, letters, uncutBytes: 0, sealed: false } })
    }
    found.sort((a, b) => a.file.sequence - b.file.sequence)
    for (const { source, file } of found) {
      this.#seriesOf(source).addFound(file)
      this.#lastSequence = file.sequence
    }
  }

  #seriesOf(source: string): LetterSeries {
    let series = this.#series.get(source)
    if (series === undefined) {
      series = new LetterSeries(source, this.#io, this.#directory, () => ++this.#lastSequence)
      this.#series.set(source, series)
    }
    return series
  }
}

function stoppedError(source: string, count: number): SpillwayError {
  return spwError('SPW_ERR_DLQ_STOPPED', { source, count })
}
