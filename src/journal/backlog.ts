/* oxlint-disable no-await-in-loop -- one read after another */
import { join } from 'node:path'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { KIB } from '../base/units.ts'
import { FRAME_KIND, HEADER_BYTES } from '../memory/frame-region.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { FrameHead, FrameMemory } from './frame-codec.ts'
import type { Position } from './frame.ts'
import { findHead, frameAt, headAt, sequenceAfter } from './scan.ts'
import type { BadReason, Expected } from './scan.ts'
import { checkpointIn } from './segment-checkpoint.ts'
import type { SegmentInfo } from './segment-file.ts'
import { segmentFileName } from './segment-name.ts'

/** Reads in vain at one place, one after another, until what can't be read there counts as damage. */
const READ_FAILURES_MAX = 60
/** What a disk can't read is hardly ever less. */
const PAGE_BYTES = 4 * KIB
const TOO_LONG =
  'a frame is longer than memory.slab_bytes: give that the value it had, until sinks have what is there'

/** What was read of the log, in its order. */
export type Piece =
  | { readonly kind: 'frame'; readonly head: FrameHead; readonly at: number; readonly position: Position }
  | { readonly kind: 'damage'; readonly damage: BadBytes }

/** Bytes of a segment that hold no frame that can be believed. */
export interface BadBytes {
  readonly segment: number
  readonly offset: number
  readonly bytes: number
  readonly reason: BadReason | 'short'
}

export interface BacklogOptions {
  readonly directory: string
  readonly io: FileIo
  /** Ascending; `bytes` is how far a segment is committed. */
  readonly segments: () => readonly SegmentInfo[]
  readonly memory: FrameMemory
  /** Where this run begins: what was found ends before that sequence, whatever stands behind it in the files. */
  readonly begin: Pick<Position, 'segment' | 'sequence'>
  /** Where to begin. */
  readonly from: Position
  /** Who is meant in a segment whose own checkpoint is damaged; null where nothing tells. May reject as the disk does. */
  readonly otherwise: (segment: SegmentInfo) => Promise<Checkpoint | null>
}

interface OpenSegment {
  readonly number: number
  readonly file: OpenFile
  readonly checkpoint: Checkpoint | null
}

/**
 * Reads committed frames back from the segments, in order, checks them, and finds its way behind damage. One call of
 * `read` at a time.
 */
export class Backlog {
  readonly #options: BacklogOptions
  /**
   * When the frame read last was received: what comes next was received after it. Infinity while nothing tells. Deferred
   * frames are left out of that.
   */
  receivedAtMs = Infinity
  #next: Position
  #open: OpenSegment | null = null
  /** What stood in segments whose files have gone, to be told of. */
  readonly #gone: Piece[] = []
  /** In a row. */
  #failures = 0

  constructor(options: BacklogOptions) {
    this.#options = options
    this.#next = options.from
  }

  /** Where `read` goes on: nothing before it comes again. */
  get next(): Position {
    return this.#next
  }

  /** Nothing is committed that was not read. */
  get atHead(): boolean {
    const { segment, offset, sequence } = this.#next
    for (const { number, firstSequence, bytes } of this.#options.segments()) {
      if (number === segment && offset < bytes && !this.#isVoid(number, sequence)) return false
      if (number > segment && (bytes > 0 || firstSequence > sequence)) return false
    }
    return true
  }

  /** What the segment that was read last begins with; null where nothing tells. */
  get checkpoint(): Checkpoint | null {
    return this.#open?.checkpoint ?? null
  }

  /** A segment ends where the next begins: what stands behind was written anew there. */
  #isVoid(segment: number, sequence: number): boolean {
    const { segments, begin } = this.#options
    const following = segments().find(({ number }) => number > segment)
    if (following !== undefined) return sequence >= following.firstSequence
    return segment < begin.segment && sequence >= begin.sequence
  }

  /**
   * Reads some frames to `at` (a multiple of 8) of the memory, where there is room for `room` bytes, as long as the longest
   * frame. `peek`: so many are read at first; `skip` names frames that need not be read whole. What was read is handed to
   * `take` in the step in which `next` moves behind it, so that nobody ever sees it on neither side; at the head of the log
   * there is nothing. Rejects when the disk fails; then it is to be called again later. What can't be read for long, while
   * the rest of its segment can, is damage.
   */
  async read(
    at: number,
    room: number,
    peek: number,
    skip: (head: FrameHead) => boolean,
    take: (pieces: readonly Piece[]) => void,
  ): Promise<void> {
    try {
      await this.#read(at, room, peek, skip, take)
      this.#failures = 0
    } catch (error) {
      this.#failures++
      // What is wrong may be the handle.
      await this.close()
      throw error
    }
  }

  async #read(...[at, room, peek, skip, take]: Parameters<Backlog['read']>): Promise<void> {
    const first = Math.min(peek, room)
    let want = first
    for (;;) {
      const segment = await this.#current()
      if (this.#gone.length > 0) {
        take(this.#gone.splice(0))
        return
      }
      if (segment === null) return
      const before = this.#next
      const bytes = Math.min(segment.bytes - before.offset, want)
      await this.#fill(at, before.offset, bytes)
      const pieces = this.#parse(at, at + bytes, before.offset + bytes === segment.bytes, skip)
      if (pieces.length > 0) {
        take(pieces)
        return
      }
      const stands = this.#next === before
      if (stands && want === room) throw new Error(TOO_LONG)
      want = stands ? room : first
    }
  }

  /** The segment that `next` lies in, opened; null at the head. */
  async #current(): Promise<SegmentInfo | null> {
    for (;;) {
      const { segment, offset, sequence } = this.#next
      const segments = this.#options.segments()
      const index = segments.findIndex(({ number }) => number >= segment)
      const info = segments[index]
      if (info === undefined) return null
      const inside = info.number === segment && offset < info.bytes && !this.#isVoid(segment, sequence)
      if (inside) {
        if (this.#open?.number === segment || (await this.#openOrStep(info))) return info
        continue
      }
      const following = info.number === segment ? segments[index + 1] : info
      if (following === undefined) return null
      this.#next = { segment: following.number, offset: 0, sequence }
    }
  }

  /** False: the file has gone, for good as it seems, and with it all that is read of it is damage. */
  async #openOrStep(info: SegmentInfo): Promise<boolean> {
    try {
      await this.#openSegment(info)
      return true
    } catch (error) {
      if (this.#isPatient || !isMissing(error)) throw error
    }
    const { segment, offset } = this.#next
    const bytes = info.bytes - offset
    this.#gone.push({ kind: 'damage', damage: { segment, offset, bytes, reason: 'short' } })
    this.#advance(bytes, this.#next.sequence)
    return false
  }

  async #openSegment(info: SegmentInfo): Promise<void> {
    await this.close()
    const { io, directory } = this.#options
    const file = await io.open(join(directory, segmentFileName(info)), 'read')
    try {
      const checkpoint = (await this.#checkpointIn(file, info)) ?? (await this.#options.otherwise(info))
      this.#open = { number: info.number, file, checkpoint }
    } catch (error) {
      await file.close().catch(() => {})
      throw error
    }
  }

  async #checkpointIn(file: OpenFile, info: SegmentInfo): Promise<Checkpoint | null> {
    try {
      return await checkpointIn(file, info)
    } catch (error) {
      if (this.#isPatient) throw error
      return null
    }
  }

  get #isPatient(): boolean {
    return this.#failures < READ_FAILURES_MAX
  }

  async #fill(at: number, offset: number, length: number): Promise<void> {
    if (this.#isPatient) await this.#fillAll(at, offset, length)
    else await this.#fillReadable(at, offset, length)
  }

  /** Page by page, zeros for those that can't be read. A disk that reads nothing at all of this is waited for on and on. */
  async #fillReadable(at: number, offset: number, length: number): Promise<void> {
    let readable = 0
    let failure: unknown
    for (let done = 0; done < length;) {
      const bytes = Math.min(length - done, PAGE_BYTES - ((offset + done) % PAGE_BYTES))
      try {
        await this.#fillAll(at + done, offset + done, bytes)
        readable++
      } catch (error) {
        this.#options.memory.bytes.fill(0, at + done, at + done + bytes)
        failure = error
      }
      done += bytes
    }
    if (readable === 0) throw failure
  }

  async #fillAll(at: number, offset: number, length: number): Promise<void> {
    const { bytes } = this.#options.memory
    let got = 0
    while (got < length) {
      const count = await this.#open!.file.read(bytes.subarray(at + got, at + length), offset + got)
      if (count === 0) break
      got += count
    }
    // A file shorter than what was committed: what is missing is damage.
    bytes.fill(0, at + got, at + length)
  }

  #parse(from: number, end: number, isLast: boolean, skip: (head: FrameHead) => boolean): Piece[] {
    const { memory } = this.#options
    const pieces: Piece[] = []
    let at = from
    while (at < end && !this.#isVoid(this.#next.segment, this.#next.sequence)) {
      const found = frameAt(memory, at, end, this.#expected())
      if (found.kind === 'frame') {
        if (found.head.kind !== FRAME_KIND.CHECKPOINT) pieces.push(this.#piece(found.head, at))
        if (found.head.kind === FRAME_KIND.EVENTS) this.receivedAtMs = found.head.receivedAtMs
        this.#advance(found.head.frameBytes, sequenceAfter(found.head))
        at += found.head.frameBytes
        continue
      }
      if (found.kind === 'short') {
        const head = headAt(memory, at, end, this.#expected())
        if (!isLast && head.kind === 'frame' && skip(head.head)) {
          this.#advance(head.head.frameBytes, sequenceAfter(head.head))
          break
        }
        if (!isLast) break
      }
      const bytes = this.#damagedBytes(found.kind === 'bad' ? found.head : null, at, end, isLast)
      const reason = found.kind === 'bad' ? found.reason : 'short'
      const { segment, offset } = this.#next
      pieces.push({ kind: 'damage', damage: { segment, offset, bytes, reason } })
      this.#advance(bytes, this.#next.sequence)
      at += bytes
    }
    return pieces
  }

  /** How far to go on behind damage. */
  #damagedBytes(head: FrameHead | null, at: number, end: number, isLast: boolean): number {
    if (head !== null) return Math.min(head.frameBytes, end - at)
    const next = findHead(this.#options.memory, at + 8, end, this.#expected())
    if (next !== -1) return next - at
    return isLast ? end - at : Math.max(8, (end - at - HEADER_BYTES) & ~7)
  }

  #expected(): Expected {
    const { segment, sequence } = this.#next
    return { segment, sequence, epoch: this.checkpoint?.epoch ?? null }
  }

  #piece(head: FrameHead, at: number): Piece {
    const { segment, offset } = this.#next
    return { kind: 'frame', head, at, position: { segment, offset, sequence: head.sequence } }
  }

  #advance(bytes: number, sequence: number): void {
    const { segment, offset } = this.#next
    this.#next = { segment, offset: offset + bytes, sequence }
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.file.close().catch(() => {})
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
