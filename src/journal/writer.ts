/* oxlint-disable no-await-in-loop -- one group after another */
import assert from 'node:assert'
import type { Clock, Timer } from '../base/clock.ts'
import { reasonOf } from '../base/errors.ts'
import type { FileIo } from '../base/file-io.ts'
import type { Position } from './frame.ts'
import { SegmentFile } from './segment-file.ts'
import type { SegmentInfo } from './segment-file.ts'
import { Segments, VOID_FILES_MAX } from './segments.ts'

const RETRY_INITIAL_MS = 100
const RETRY_MAX_MS = 5000

/** Padding of a frame, by its length. */
const PADDINGS = Array.from({ length: 8 }, (_, bytes) => new Uint8Array(bytes))

/** A frame that is to be written. */
export interface PendingFrame {
  /** One more than that of the frame appended before. */
  readonly sequence: number
  /** Header, runs, table and bytes; views of the arena or not, unchanged until it is committed. */
  readonly views: readonly Uint8Array[]
  /** What it takes in the file: the views and up to 7 bytes of padding. */
  readonly bytes: number
  /** Called right before each attempt to write it: puts SEGMENT and HEAD_CRC into the header. */
  stamp(segment: number): void
  /** It is on disk. Called once, in the order of the frames; must not throw. */
  committed(position: Position): void
}

/** What the writer tells the operator. */
export interface JournalWriterEvents {
  /** Nothing is committed until it works again; tried anew in `retryMs`. */
  journalDiskFailing(reason: string, retryMs: number): void
  journalDiskRecovered(outageMs: number): void
  /** What is no longer needed stays on disk for now. */
  journalRemovalFailing(reason: string): void
}

export interface JournalWriterOptions {
  /** `data_dir/journal`; made when missing. */
  readonly directory: string
  readonly io: FileIo
  readonly clock: Clock
  /** A segment that has grown to this gets no further group. */
  readonly segmentBytes: number
  /** Most bytes of one group, which is one fdatasync; a single frame may be longer. */
  readonly groupBytesMax: number
  /** The first frame of a segment whose next one has this sequence, complete; tells what was committed until now. */
  checkpoint(segment: number, sequence: number): Uint8Array
  /** A segment was begun with no frame in it yet. */
  readonly onBegun?: () => void
  /** Above all numbers that were ever used. */
  readonly nextSegment: number
  /** What earlier runs left, ascending. */
  readonly found: readonly SegmentInfo[]
  readonly events: JournalWriterEvents
}

/**
 * Writes frames to segments, in groups: what is appended while a group is on its way is the next group, and each is one
 * `writev` (as a rule) and one fdatasync.
 *
 * After a failure, whichever, the segment is left as it is, and everything uncommitted is written anew to the next one,
 * again and again until it works. Frames that the failed write left behind are void: the next segment's name says with
 * which sequence it begins.
 *
 * Memory: the frames that wait, which are their owners'.
 */
export class JournalWriter {
  readonly #options: JournalWriterOptions
  readonly #segments: Segments
  readonly #queue: PendingFrame[] = []
  #pendingBytes = 0
  #lastSequence: number | null = null
  #nextSegment: number
  #open: SegmentFile | null = null
  #started = false
  #ended = false
  #loop: Promise<void> | null = null
  /** Failed attempts in a row. */
  #failures = 0
  #failingSinceMs: number | null = null
  #retryNow: (() => void) | null = null

  constructor(options: JournalWriterOptions) {
    this.#options = options
    this.#nextSegment = options.nextSegment
    const { directory, io, found, events } = options
    const onRemovalFailing = (reason: string) => events.journalRemovalFailing(reason)
    this.#segments = new Segments({ directory, io, found, onRemovalFailing })
  }

  /** The last attempt to write succeeded, or there was none. */
  get healthy(): boolean {
    return this.#failingSinceMs === null
  }

  /** Of all segments on disk. */
  get bytes(): number {
    return this.#segments.bytes
  }

  /** Appended and not committed. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Ascending; the last one may be written on. Live: the same list at every call. */
  get segments(): readonly SegmentInfo[] {
    return this.#segments.list
  }

  /** From now on frames are written; the first one begins a segment. */
  start(): void {
    this.#started = true
    this.#wake()
  }

  append(frame: PendingFrame): void {
    assert(frame.sequence === (this.#lastSequence ?? frame.sequence - 1) + 1, 'sequences have no gaps')
    this.#lastSequence = frame.sequence
    this.#queue.push(frame)
    this.#pendingBytes += frame.bytes
    this.#wake()
  }

  /**
   * Removes the segments with lower numbers, but never the last one, in the background. What can't be removed is tried
   * again with the next call.
   */
  removeBefore(segment: number): void {
    this.#segments.removeBefore(segment)
  }

  /**
   * Writes what waits, as long as it takes or until the signal, and closes. What is not committed then never will be. A
   * call to the kernel that hangs is not waited for beyond the signal.
   */
  async stop(signal: AbortSignal): Promise<void> {
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const abort = () => resolve()
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    this.#retryNow?.()
    await Promise.race([this.#finish(), aborted])
    signal.removeEventListener('abort', abort)
    this.#ended = true
    this.#retryNow?.()
  }

  async #finish(): Promise<void> {
    await this.#loop
    await this.#close()
    await this.#segments.sweep()
  }

  #wake(): void {
    if (!this.#started || this.#ended) return
    this.#loop ??= this.#run()
  }

  async #run(): Promise<void> {
    // What is appended in the same turn belongs to the same group.
    await Promise.resolve()
    while (this.#queue.length > 0 && !this.#ended) {
      const group = this.#nextGroup()
      try {
        await this.#write(group)
      } catch (error) {
        await this.#failed(error)
        continue
      }
      if (!this.#ended) this.#committed(group)
    }
    if (this.#ended) await this.#close()
    this.#loop = null
  }

  /**
   * What goes together: at least one frame. After failures less, so that a disk that is almost full still takes what it
   * can, and segments end, and go, meanwhile.
   */
  #nextGroup(): PendingFrame[] {
    const bytesMax = this.#options.groupBytesMax / 2 ** this.#failures
    let bytes = 0
    let count = 0
    for (const frame of this.#queue) {
      bytes += frame.bytes
      if (count > 0 && bytes > bytesMax) break
      count++
    }
    return this.#queue.slice(0, count)
  }

  /** Resolves when the group is on disk, in the open segment. */
  async #write(group: readonly PendingFrame[]): Promise<void> {
    if (this.#open !== null && this.#open.bytes >= this.#options.segmentBytes) await this.#close()
    this.#open ??= await this.#begin(group[0]!.sequence)
    if (this.#ended) return
    const segment = this.#open
    if (segment.bytes === 0 && this.#failures > 0) await this.#beginAlone(segment)
    const views: Uint8Array[] = []
    let bytes = 0
    if (segment.bytes === 0) {
      views.push(this.#options.checkpoint(segment.number, segment.firstSequence))
      bytes = views[0]!.length
      assert(bytes % 8 === 0, 'a checkpoint is a whole frame')
    }
    for (const frame of group) {
      frame.stamp(segment.number)
      pushViews(views, frame)
      bytes += frame.bytes
    }
    await segment.append(views, bytes)
  }

  /**
   * On a full disk there may be room for a checkpoint, if for nothing else: then the segment before is the last one no
   * longer, and can go once nobody needs it. Once is enough.
   */
  async #beginAlone(segment: SegmentFile): Promise<void> {
    if (this.#segments.list.at(-1)?.firstSequence === segment.firstSequence) return
    const checkpoint = this.#options.checkpoint(segment.number, segment.firstSequence)
    await segment.append([checkpoint], checkpoint.length)
    this.#segments.opened(segment)
    this.#options.onBegun?.()
  }

  async #begin(firstSequence: number): Promise<SegmentFile> {
    if (this.#segments.voidCount > 0) await this.#segments.sweep()
    if (this.#segments.voidCount >= VOID_FILES_MAX) {
      throw new Error('files of failed attempts cannot be removed')
    }
    // A number is never used twice, not even after a failure to make the file.
    const name = { number: this.#nextSegment++, firstSequence }
    return SegmentFile.create(this.#options.io, this.#options.directory, name)
  }

  #committed(group: readonly PendingFrame[]): void {
    const segment = this.#open!
    this.#queue.splice(0, group.length)
    const groupBytes = group.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#pendingBytes -= groupBytes
    if (this.#segments.list.at(-1) !== segment) this.#segments.opened(segment)
    this.#recovered()
    let offset = segment.bytes - groupBytes
    for (const frame of group) {
      frame.committed({ segment: segment.number, offset, sequence: frame.sequence })
      offset += frame.bytes
    }
  }

  async #failed(error: unknown): Promise<void> {
    await this.#close()
    if (this.#ended) return
    const { clock, events } = this.#options
    const retryMs = Math.min(RETRY_INITIAL_MS * 2 ** this.#failures, RETRY_MAX_MS)
    this.#failures++
    this.#failingSinceMs ??= clock.now()
    events.journalDiskFailing(reasonOf(error), retryMs)
    await new Promise<void>((resolve) => {
      const timer: Timer = clock.setTimeout(() => this.#retryNow?.(), retryMs)
      this.#retryNow = () => {
        this.#retryNow = null
        timer.clear()
        resolve()
      }
    })
  }

  #recovered(): void {
    this.#failures = 0
    if (this.#failingSinceMs === null) return
    const outageMs = this.#options.clock.now() - this.#failingSinceMs
    this.#failingSinceMs = null
    this.#options.events.journalDiskRecovered(outageMs)
  }

  async #close(): Promise<void> {
    const segment = this.#open
    if (segment === null) return
    this.#open = null
    await segment.close()
    this.#segments.closed(segment)
  }
}

function pushViews(views: Uint8Array[], { views: own, bytes }: PendingFrame): void {
  let padding = bytes
  for (const view of own) {
    views.push(view)
    padding -= view.length
  }
  assert(padding >= 0 && padding < 8, 'a frame is as long as its views, padded')
  if (padding > 0) views.push(PADDINGS[padding]!)
}
