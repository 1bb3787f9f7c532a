/* oxlint-disable no-await-in-loop -- one piece of a file after another */
import type { OpenFile } from '../base/file-io.ts'
import { MIB } from '../base/units.ts'
import { HEADER_BYTES } from '../memory/frame-region.ts'
import { FileWindow } from './file-window.ts'
import type { FrameHead, FrameMemory } from './frame-codec.ts'
import { findHead, frameAt, headAt, sequenceAfter } from './scan.ts'
import type { BadReason, Expected, Found } from './scan.ts'
import type { SegmentName } from './segment-name.ts'

const WINDOW_BYTES = MIB
/** Without bodies, what is read of most frames is their header. */
const HEADS_WINDOW_BYTES = 16 * 1024

export interface WalkOptions {
  readonly file: OpenFile
  readonly segment: SegmentName
  /** Sequence that the next segment begins with: what stands here from it on is void. None where it is the newest one. */
  readonly endSequence?: number | undefined
  /** Epoch of the run that wrote it, where something tells; else the first valid header does. */
  readonly epoch?: string | null | undefined
  /** False: headers alone, for who only counts. */
  readonly bodies?: boolean
}

/** A frame that is whole. */
export interface FrameStep {
  readonly kind: 'frame'
  readonly offset: number
  readonly head: FrameHead
  /** Where the frame stands in the walk's memory, until the next step. */
  readonly at: number
  /** Frames that should have stood before it, and don't. */
  readonly missing: number
}

/** Bytes that are no frame, or a damaged one. */
export interface BadStep {
  readonly kind: 'bad'
  readonly offset: number
  /** Where the next header was found, or the file ends. */
  readonly end: number
  /** `short`: the file ends within a frame. `unreadable`: the disk says so. */
  readonly reason: BadReason | 'short' | 'unreadable'
  /** The damaged frame's, where it can be believed. */
  readonly head: FrameHead | null
  /** As above; 0 without a header. */
  readonly missing: number
}

export type Step = FrameStep | BadStep

/**
 * Reads a segment from its begin to its end, in bounded memory, whatever is in it. After damage it goes on at the next
 * valid header. A file that is being written is read as far as it goes.
 */
export class SegmentWalk {
  /** File offset behind the last frame, whole or damaged, or where the search for one goes on. */
  offset = 0
  /** Sequence that the next frame must have. */
  sequence: number
  epoch: string | null
  readonly #file: OpenFile
  readonly #segment: number
  readonly #endSequence: number
  readonly #look: typeof headAt
  readonly #window: FileWindow
  #ended = false

  constructor({ file, segment, endSequence = Infinity, epoch = null, bodies = true }: WalkOptions) {
    this.sequence = segment.firstSequence
    this.epoch = epoch
    this.#file = file
    this.#segment = segment.number
    this.#endSequence = endSequence
    this.#look = bodies ? frameAt : headAt
    this.#window = new FileWindow(file, bodies ? WINDOW_BYTES : HEADS_WINDOW_BYTES)
  }

  get memory(): FrameMemory {
    return this.#window.memory
  }

  /** At the end: frames that should stand here and don't; 0 in the newest segment, whose end nothing tells. */
  get missing(): number {
    return this.#endSequence === Infinity ? 0 : Math.max(0, this.#endSequence - this.sequence)
  }

  /** Null at the end. Never throws for what is in the file, nor for a disk that can't read it. */
  async next(): Promise<Step | null> {
    if (this.#ended || this.sequence >= this.#endSequence) return null
    try {
      return await this.#step()
    } catch {
      this.#ended = true
      const end = await this.#file.bytes().catch(() => this.offset)
      return { kind: 'bad', offset: this.offset, end, reason: 'unreadable', head: null, missing: 0 }
    }
  }

  async #step(): Promise<Step | null> {
    const { offset } = this
    let at = await this.#window.load(offset, HEADER_BYTES)
    if (this.#window.end <= at) return null
    let found = this.#lookAt(at)
    if (found.kind === 'short') {
      at = await this.#window.load(offset, found.neededBytes)
      found = this.#lookAt(at)
    }
    if (found.kind === 'frame') return this.#frame(offset, at, found.head)
    if (found.kind === 'short') return this.#endsShort(offset, at)
    return this.#bad(offset, found.reason, found.head)
  }

  #lookAt(at: number): Found {
    return this.#look(this.memory, at, this.#window.end, this.#expected())
  }

  #expected(): Expected {
    return { segment: this.#segment, sequence: this.sequence, epoch: this.epoch }
  }

  #frame(offset: number, at: number, head: FrameHead): Step | null {
    if (head.sequence >= this.#endSequence) {
      this.#ended = true
      return null
    }
    const missing = this.#passed(offset, head)
    return { kind: 'frame', offset, head, at, missing }
  }

  /** Returns how many frames are missing before it. */
  #passed(offset: number, head: FrameHead): number {
    const missing = head.sequence - this.sequence
    this.offset = offset + head.frameBytes
    this.sequence = sequenceAfter(head)
    this.epoch ??= head.epoch
    return missing
  }

  #endsShort(offset: number, at: number): Step | null {
    this.#ended = true
    const { end } = this.#window
    const found = headAt(this.memory, at, end, this.#expected())
    const head = found.kind === 'frame' ? found.head : null
    if (head !== null && head.sequence >= this.#endSequence) return null
    return { kind: 'bad', offset, end: offset + end - at, reason: 'short', head, missing: 0 }
  }

  /** A header that is right tells where the next one must be; without one it is looked for. */
  async #bad(offset: number, reason: BadReason, head: FrameHead | null): Promise<Step | null> {
    if (head === null) {
      await this.#findNext(offset + 8)
      return { kind: 'bad', offset, end: this.offset, reason, head, missing: 0 }
    }
    if (head.sequence >= this.#endSequence) {
      this.#ended = true
      return null
    }
    const missing = this.#passed(offset, head)
    return { kind: 'bad', offset, end: this.offset, reason, head, missing }
  }

  async #findNext(from: number): Promise<void> {
    this.offset = from
    for (;;) {
      const at = await this.#window.load(this.offset, HEADER_BYTES)
      const { end } = this.#window
      const found = findHead(this.memory, at, end, this.#expected())
      if (found !== -1) {
        this.offset += found - at
        return
      }
      if (end - at < HEADER_BYTES) {
        this.offset += Math.max(0, end - at)
        this.#ended = true
        return
      }
      this.offset += ((end - at - HEADER_BYTES) & ~7) + 8
    }
  }
}
