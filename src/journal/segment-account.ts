import { FRAME_KIND } from '../memory/frame-region.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Damage } from './damage.ts'
import { decodeCheckpoint } from './frame-codec.ts'
import type { FrameHead, FrameMemory } from './frame-codec.ts'
import type { SegmentName } from './segment-name.ts'
import type { BadStep, SegmentWalk, Step } from './segment-walk.ts'
import { Tallies } from './tallies.ts'

/** What a source is called of which only the index is known. */
export function namelessSource(index: number): string {
  return `(source ${index})`
}

/** Damage, while more may come to light. */
interface OpenDamage extends Damage {
  frames: { readonly first: number; readonly count: number } | null
  readonly lost: Record<string, number>
}

/**
 * The ledger of one segment, step by step of a walk: what its frames tell, what is damaged, and what is lost with that. A
 * header has a checksum of its own, and tells how much of its source was accepted before it; so most of what damage hides
 * is known by number.
 */
export class SegmentAccount {
  /** Its own; null while not read, or damaged. */
  checkpoint: Checkpoint | null = null
  /** What the segment begins with, its own or what was given; null where nothing tells who is meant: see `nameless`. */
  basis: Checkpoint | null = null
  /** The ledger at the place that the walk has reached, from that basis on. */
  tallies: Tallies | null = null
  /** Accepted events by index of the source, where nothing tells whose they are. */
  readonly nameless = new Map<number, number>()
  readonly damage: OpenDamage[] = []
  /** Behind the last frame that was whole, or damaged with a header that is right. */
  end = 0
  /** What stands behind that, should nothing more follow. */
  tail: BadStep | null = null
  readonly #segment: SegmentName
  readonly #begin: Checkpoint | null
  #begun = false

  /** `begin`: what is believed to stand at its begin, should its own checkpoint be damaged. True for one run only. */
  constructor(segment: SegmentName, begin: Checkpoint | null) {
    this.#segment = segment
    this.#begin = begin
  }

  /** Takes a step of the walk; `memory` is the walk's. */
  step(step: Step, memory: FrameMemory): void {
    this.#flushTail()
    if (step.kind === 'bad' && (step.head === null || step.reason === 'short')) this.tail = step
    else this.#take(step, step.head!, memory)
  }

  /** The walk is at its end. */
  finish(walk: SegmentWalk): void {
    const { tail } = this
    let { missing } = walk
    if (missing === 0 && tail?.reason !== 'unreadable') return
    if (tail !== null && tail.head !== null) {
      this.tail = null
      const skipped = tail.head.sequence - walk.sequence
      this.#take({ ...tail, missing: skipped }, tail.head, walk.memory)
      missing -= skipped + 1
    }
    this.#flushTail()
    if (missing > 0) this.#missing(tail?.end ?? this.end, walk.sequence, missing)
  }

  /** There was no walk: the disk doesn't let it be read at all. */
  unreadable(): void {
    this.#note({ offset: 0, end: 0, reason: 'unreadable', frames: null })
  }

  /** What the next segment begins with, if the same run wrote it; null where nothing tells. */
  carry(walk: SegmentWalk): Checkpoint | null {
    const { basis, tallies } = this
    if (basis === null || tallies === null) return null
    const { sources, sinks } = new Tallies(tallies)
    return { ...basis, segment: this.#segment.number + 1, sequence: walk.sequence, sources, sinks }
  }

  /** With the first header that can be believed it is known which run's indexes are meant. */
  #begins(epoch: string): void {
    if (this.#begun) return
    this.#begun = true
    this.basis = this.checkpoint ?? (this.#begin?.epoch === epoch ? this.#begin : null)
    this.tallies = this.basis && new Tallies(this.basis)
  }

  /** A frame with a header that can be believed. */
  #take(step: Step, head: FrameHead, memory: FrameMemory): void {
    const { offset, missing } = step
    if (missing > 0) this.#missing(offset, head.sequence - missing, missing)
    const isCheckpoint = offset === 0 && head.kind === FRAME_KIND.CHECKPOINT
    if (isCheckpoint && step.kind === 'frame') this.checkpoint = decodeCheckpoint(memory.bytes, step.at, head)
    this.#begins(head.epoch)
    this.#countHidden(offset, head)
    if (step.kind === 'bad' || (isCheckpoint && this.checkpoint === null)) this.#damaged(step, head)
    if (head.kind === FRAME_KIND.EVENTS) this.#count(step, head, memory)
    this.end = offset + head.frameBytes
  }

  /** What the damage until here hid of this frame's source. */
  #countHidden(offset: number, head: FrameHead): void {
    const hidden = this.tallies?.missingBefore(head) ?? 0
    if (hidden === 0) return
    this.#lose(offset, this.tallies!.sources[head.source]!.name, hidden)
    this.tallies!.addLost(head.source, hidden)
  }

  #count(step: Step, head: FrameHead, memory: FrameMemory): void {
    const { tallies } = this
    const name = tallies?.sources[head.source]?.name
    if (tallies === null || name === undefined) {
      this.nameless.set(head.source, (this.nameless.get(head.source) ?? 0) + head.records)
      this.#lose(step.offset, namelessSource(head.source), head.records)
    } else if (step.kind === 'frame') {
      tallies.add(memory, step.at, head)
    } else {
      this.#lose(step.offset, name, head.records)
      tallies.addDamaged(head)
    }
  }

  /** Notes events with the damage that was met last; every loss comes with some. */
  #lose(offset: number, source: string, events: number): void {
    if (this.damage.length === 0) this.#missing(offset, 0, 0)
    const { lost } = this.damage.at(-1)!
    lost[source] = (lost[source] ?? 0) + events
  }

  #damaged(step: Step, head: FrameHead): void {
    const reason = step.kind === 'bad' ? step.reason : 'body'
    const end = step.offset + head.frameBytes
    const frames = head.kind === FRAME_KIND.CHECKPOINT ? null : { first: head.sequence, count: 1 }
    this.#note({ offset: step.offset, end, reason, frames })
  }

  /** Frames are missing: where bytes that are none stood before, those were them. */
  #missing(offset: number, first: number, count: number): void {
    const last = this.damage.at(-1)
    const frames = count === 0 ? null : { first, count }
    if (last !== undefined && last.frames === null && last.end === offset) last.frames = frames
    else this.#note({ offset, end: offset, reason: 'missing', frames })
  }

  #flushTail(): void {
    if (this.tail === null) return
    const { offset, end, reason } = this.tail
    this.tail = null
    this.#note({ offset, end, reason, frames: null })
  }

  #note(damage: Pick<OpenDamage, 'offset' | 'end' | 'reason' | 'frames'>): void {
    this.damage.push({ segment: this.#segment.number, ...damage, lost: {} })
  }
}
