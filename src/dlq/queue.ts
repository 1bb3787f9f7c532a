/* oxlint-disable no-await-in-loop -- one commit after another, one file after another */
import assert from 'node:assert'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { reasonOf, spwError } from '../base/errors.ts'
import type { SpillwayError } from '../base/errors.ts'
import { MIB } from '../base/units.ts'
import type { DeadLetters } from './dead-letters.ts'
import { nodeFileIo } from '../base/file-io.ts'
import type { FileIo } from '../base/file-io.ts'
import { findFiles } from './find-files.ts'
import { parseFileName } from './letter-file.ts'
import type { LetterFile } from './letter-file.ts'
import type { DeadLetterEvents, DeadLetterQueueOptions, DeadLetterTally } from './queue-options.ts'
import type { LetterRun } from './letter-id.ts'
import { LetterSeries } from './letter-series.ts'
import { Marker } from './marker.ts'
import { MARK_KINDS } from './marks.ts'
import type { MarkKind } from './marks.ts'

const FILE_BYTES_MAX = 64 * MIB
/** Files that a full queue should have at least, so that little goes when the oldest goes. */
const FILES_WHEN_FULL = 16
const FILES_PER_SHARE = 4
/** Files over all sources. Reached only when a failing disk leaves many small ones; then the oldest go. */
const FILES_MAX = 4096
const PROBE_FILE = '.writable'
const RETRY_INITIAL_MS = 100
const RETRY_MAX_MS = 5000

/** Letters of one file that have left the queue. */
interface PendingMark {
  readonly file: string
  readonly runs: readonly LetterRun[]
  readonly kind: MarkKind
  readonly resolve: (count: number) => void
  readonly reject: (error: Error) => void
}

/** What one commit writes of one series: its first `count` pending writes. */
interface Group {
  readonly series: LetterSeries
  readonly count: number
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
  readonly #makeCountsDurable: () => Promise<boolean>
  readonly #marker: Marker
  /** One for each source that has had letters: as many as the configuration has sources, and those found at start. */
  readonly #series = new Map<string, LetterSeries>()
  readonly #marks: PendingMark[] = []
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
    this.#makeCountsDurable = options.makeCountsDurable ?? (() => Promise.resolve(true))
    this.#marker = new Marker(this.#io, this.#directory)
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

  /**
   * Counts what an earlier run left. Throws SPW_ERR_DLQ_UNUSABLE.
   *
   * @param counted is told so before any of it goes, with which the counts become durable.
   */
  async start(counted: () => void = () => {}): Promise<void> {
    assert(this.#state === 'new', 'a queue is started once')
    try {
      await this.#io.makeDirectory(this.#directory)
      await this.#probe()
      await this.#find(counted)
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

  /**
   * These letters were replayed or purged: they have left the queue for good. Resolves to how many of them were in it until
   * now, once that is on disk; they are counted in the same step. Others count 0: marked before, evicted, or never there.
   * Throws SPW_ERR_DLQ_MARK where the disk fails; then some may be marked, and to do it again is right.
   */
  async mark(letters: readonly LetterRun[], kind: MarkKind): Promise<number> {
    const byFile = Map.groupBy(letters, ({ file }) => file)
    const marking = [...byFile].map(([file, runs]) => this.#markIn(file, runs, kind))
    const results = await Promise.allSettled(marking)
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return results.reduce((sum, result) => sum + (result.status === 'fulfilled' ? result.value : 0), 0)
  }

  /** Committed length of a file of letters; 0 where there is none of that name. */
  committedBytes(name: string): number {
    return this.#fileNamed(name)?.file.bytes ?? 0
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
      const mark = this.#marks.shift()
      if (due.length > 0) await this.#commit(due)
      if (mark !== undefined) await this.#commitMark(mark)
      if (due.length > 0 || mark !== undefined) continue
      if (this.#state !== 'running') break
      await this.#sleep()
    }
    for (const { source, pending } of this.#series.values()) {
      for (const { letters, reject } of pending.splice(0)) reject(stoppedError(source, letters))
    }
    await this.#marker.finish()
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
      const file = series.files[0]!
      await this.#countEvicted(series.source, file)
      await series.drop(file)
      this.#marker.forget(file)
      dropped = true
    }
    if (dropped) await this.#io.syncDirectory(this.#directory)
  }

  /** First counted, then unlinked: a crash in between leaves letters that are found again, never any that are missing. */
  async #countEvicted(source: string, file: LetterFile): Promise<void> {
    if (file.letters === 0) return
    const letters = file.letters - file.marked
    file.letters = 0
    file.marked = 0
    this.#counts.evicted += letters
    this.#counts.queued -= letters
    if (letters > 0) this.#events.deadLettersEvicted(source, letters, file.bytes)
    await this.#makeCountsDurable()
  }

  #markIn(file: string, runs: readonly LetterRun[], kind: MarkKind): Promise<number> {
    if (this.#state !== 'running') {
      return Promise.reject(spwError('SPW_ERR_DLQ_MARK', { file, reason: 'the queue is not open' }))
    }
    return new Promise((resolve, reject) => {
      this.#marks.push({ file, runs, kind, resolve, reject })
      this.#wake?.()
    })
  }

  async #commitMark({ file: name, runs, kind, resolve, reject }: PendingMark): Promise<void> {
    const found = this.#fileNamed(name)
    if (found === undefined) return resolve(0)
    const { series, file } = found
    try {
      const count = await this.#marker.mark(file, runs, kind, this.#counts)
      this.#counts.queued -= count
      this.#counts[kind] += count
      resolve(count)
    } catch (error) {
      return reject(spwError('SPW_ERR_DLQ_MARK', { file: name, reason: reasonOf(error) }, { cause: error }))
    }
    if (file.marked === file.letters) await this.#dropEmptied(series, file).catch(() => {})
  }

  /**
   * A file of which all letters are marked goes, once the counts that its marks hold are durable elsewhere. Else it stays,
   * until the next start or until room is needed.
   */
  async #dropEmptied(series: LetterSeries, file: LetterFile): Promise<void> {
    if (!(await this.#makeCountsDurable())) return
    await series.drop(file)
    this.#marker.forget(file)
    await this.#io.syncDirectory(this.#directory)
  }

  #fileNamed(name: string): { readonly series: LetterSeries; readonly file: LetterFile } | undefined {
    const series = this.#series.get(parseFileName(name)?.source ?? '')
    const file = series?.files.find((one) => one.name === name)
    return file === undefined ? undefined : { series: series!, file }
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

  /** What the run before marked in its last moments its marks know, if nobody else. */
  async #find(counted: () => void): Promise<void> {
    const { files, lastSequence, totals } = await findFiles(this.#io, this.#directory, this.#events)
    this.#lastSequence = lastSequence
    for (const kind of MARK_KINDS) this.#counts[kind] = Math.max(this.#counts[kind], totals[kind])
    for (const { source, file } of files) {
      this.#seriesOf(source).addFound(file)
      this.#counts.found += file.letters - file.marked
      this.#counts.queued += file.letters - file.marked
    }
    counted()
    for (const { source, file } of files) {
      if (file.marked > 0 && file.marked === file.letters)
        await this.#dropEmptied(this.#seriesOf(source), file)
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
