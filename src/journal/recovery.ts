/* oxlint-disable no-await-in-loop -- one file after another */
import { join } from 'node:path'
import { reasonOf, spwError } from '../base/errors.ts'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { FRAME_KIND } from '../memory/frame-region.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Damage } from './damage.ts'
import type { Position } from './frame.ts'
import { BULK } from './log.ts'
import type { Quarantine } from './quarantine.ts'
import { RecoveredLedger } from './recovered-ledger.ts'
import { SegmentAccount } from './segment-account.ts'
import { meaningByRun, readCheckpoint } from './segment-checkpoint.ts'
import type { SegmentInfo } from './segment-file.ts'
import { listSegments } from './segment-list.ts'
import type { SegmentList } from './segment-list.ts'
import { segmentFileName } from './segment-name.ts'
import type { SegmentName } from './segment-name.ts'
import { SegmentWalk } from './segment-walk.ts'
import type { FrameStep } from './segment-walk.ts'
import type { JournalState } from './state.ts'

/** What recovery tells the operator. */
export interface RecoveryEvents {
  /** A file in the journal's directory that is not the journal's: it is left alone. */
  journalFileForeign(name: string): void
  /** What a crash broke off was cut off: nobody was told that it is stored. */
  journalTailCut(name: string, offset: number, bytes: number): void
  /** Frames are damaged or missing. */
  journalDamaged(name: string, damage: Damage): void
  /** The disk doesn't let a file be read, or tidied up; it is left as it is. */
  journalFileFailing(name: string, reason: string): void
}

export interface RecoveryOptions {
  /** `data_dir/journal`. */
  readonly directory: string
  readonly io: FileIo
  readonly events: RecoveryEvents
  readonly quarantine: Pick<Quarantine, 'keep'>
  /** The newest state; null where there is none, or none that can be read. */
  readonly state: JournalState | null
}

/** A frame of kind DEFERRED. */
export interface DeferredFrame {
  /** Name of the sink that it is for. */
  readonly sink: string
  readonly position: Position
  /** Sequence of the frame that its records came with first. */
  readonly originSequence: number
}

export interface Recovered {
  /** Ascending, with the end of what is committed in each. */
  readonly segments: readonly SegmentInfo[]
  /** Above all numbers that were ever used. */
  readonly nextSegment: number
  readonly nextSequence: number
  /** The ledger at the end of the log, for who goes on by names; `segment` and `sequence` are the next ones. */
  readonly checkpoint: Checkpoint
  /** Whose the indexes in the newest segment are: its own checkpoint, or one that fits; null where nothing tells. */
  readonly newest: Checkpoint | null
  /** Those that the state knows nothing of, or that their sinks, by the state, have not passed. */
  readonly deferred: readonly DeferredFrame[]
  readonly damage: readonly Damage[]
}

/**
 * What earlier runs left. Only the newest segment is read, as long as something tells what it begins with; the others are
 * found out about when they are read. Whatever is in the files, this comes to an end, in the memory of one window, and
 * good frames behind damage are kept. Throws SPW_ERR_JOURNAL_UNUSABLE where the directory can't be listed.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { directory, io } = options
  let list: SegmentList
  try {
    list = await listSegments(io, directory)
  } catch (error) {
    throw spwError('SPW_ERR_JOURNAL_UNUSABLE', { directory, reason: reasonOf(error) }, { cause: error })
  }
  return new Recovery(options, list).run()
}

class Recovery {
  readonly #options: RecoveryOptions
  readonly #list: SegmentList
  readonly #ledger: RecoveredLedger
  readonly #segments: SegmentInfo[] = []
  readonly #damage: Damage[] = []
  readonly #deferred: DeferredFrame[] = []
  #newest: Checkpoint | null = null
  #nextSequence = 1

  constructor(options: RecoveryOptions, list: SegmentList) {
    this.#options = options
    this.#list = list
    this.#ledger = new RecoveredLedger(options.state)
  }

  async run(): Promise<Recovered> {
    const { segments, empty, foreign, lastNumber } = this.#list
    for (const name of foreign) this.#options.events.journalFileForeign(name)
    for (const segment of empty) await this.#remove(segment)
    const first = await this.#lastBegin()
    for (let index = 0; index < first.index; index++) await this.#measure(index)
    let { begin } = first
    for (let index = first.index; index < segments.length; index++) begin = await this.#read(index, begin)
    const lastFound = segments.at(-1)?.number ?? 0
    for (const gone of this.#ledger.heedState(lastFound, this.#nextSequence)) this.#note([gone])
    const { segment, sequence } = this.#ledger.reachOfState
    const nextSegment = Math.max(lastNumber, segment) + 1
    const nextSequence = Math.max(this.#nextSequence, sequence)
    return {
      segments: this.#segments,
      nextSegment,
      nextSequence,
      checkpoint: this.#ledger.checkpoint(nextSegment, nextSequence),
      newest: this.#newest,
      deferred: this.#deferred,
      damage: this.#damage,
    }
  }

  /** The newest segment of which something tells what it begins with; the oldest, where nothing tells of any. */
  async #lastBegin(): Promise<{ index: number; begin: Checkpoint | null }> {
    const { directory, io } = this.#options
    for (let index = this.#list.segments.length - 1; index >= 0; index--) {
      const segment = this.#list.segments[index]!
      const begin = (await readCheckpoint(io, directory, segment)) ?? this.#inState(segment)
      if (begin !== null) return { index, begin }
    }
    return { index: 0, begin: null }
  }

  /** The state holds a copy of the newest checkpoint. */
  #inState(segment: SegmentName): Checkpoint | null {
    const checkpoint = this.#options.state?.checkpoint
    return checkpoint?.segment === segment.number ? checkpoint : null
  }

  /** A segment that is read later. */
  async #measure(index: number): Promise<void> {
    const segment = this.#list.segments[index]!
    const bytes = await this.#withFile(segment, 'read', (file) => file.bytes())
    this.#segments.push({ ...segment, bytes: bytes ?? 0 })
    const endSequence = this.#list.segments[index + 1]!.firstSequence
    const { state } = this.#options
    if (state === null || endSequence > state.sequence) await this.#findDeferred(segment, endSequence)
  }

  /** There is no state, or it was not written for so long that it doesn't know all of an older segment. */
  async #findDeferred(segment: SegmentName, endSequence: number): Promise<void> {
    const { directory, io } = this.#options
    const own = await readCheckpoint(io, directory, segment)
    await this.#withFile(segment, 'read', async (file) => {
      const basis = own ?? (await meaningByRun(io, directory, this.#list.segments, segment))
      const walk = new SegmentWalk({ file, segment, endSequence, bodies: false })
      for (let step = await walk.next(); step !== null; step = await walk.next())
        if (step.kind === 'frame') this.#noteDeferred(basis, step)
    })
  }

  /** Reads a segment whole; returns what the next one begins with. */
  async #read(index: number, begin: Checkpoint | null): Promise<Checkpoint | null> {
    const segment = this.#list.segments[index]!
    const endSequence = this.#list.segments[index + 1]?.firstSequence
    const account = new SegmentAccount(segment, begin)
    this.#nextSequence = segment.firstSequence
    const opened = await this.#withFile(segment, 'read', async (file) => {
      const epoch = this.#inState(segment)?.epoch
      const walk = new SegmentWalk({ file, segment, endSequence, epoch })
      for (let step = await walk.next(); step !== null; step = await walk.next()) {
        account.step(step, walk.memory)
        if (step.kind === 'frame') this.#noteDeferred(account.basis, step)
      }
      account.finish(walk)
      this.#nextSequence = walk.sequence
      return true
    })
    if (opened === undefined) account.unreadable()
    this.#ledger.take(account, begin)
    this.#newest = account.basis
    const isReadable = account.damage.every(({ reason }) => reason !== 'unreadable')
    if (endSequence === undefined && isReadable) await this.#tidyNewest(segment, account)
    else await this.#keepDamaged(segment, account)
    // Whoever reads the log later sees that something is missing here.
    if (!isReadable) this.#nextSequence++
    return this.#ledger.checkpoint(segment.number + 1, this.#nextSequence)
  }

  #noteDeferred(basis: Checkpoint | null, { head, offset }: FrameStep): void {
    const sink = head.kind === FRAME_KIND.DEFERRED ? basis?.sinks[head.sink]?.name : undefined
    if (sink === undefined) return
    const { segment, sequence, originSequence } = head
    const states = this.#options.state?.sinks ?? {}
    const passed = Object.hasOwn(states, sink) ? states[sink]!.lanes[BULK].next.sequence : 0
    if (sequence >= passed)
      this.#deferred.push({ sink, position: { segment, offset, sequence }, originSequence })
  }

  /** A segment with damage in it is copied before it can go; nothing of it is changed. */
  async #keepDamaged(segment: SegmentName, { damage, end }: SegmentAccount): Promise<void> {
    this.#note(damage)
    if (damage.length > 0) await this.#options.quarantine.keep(segment, damage)
    this.#segments.push({ ...segment, bytes: end })
  }

  /**
   * What stands behind the last frame of the newest segment is cut off. Where that is more than a write that ended early, a
   * frame may have been there that somebody was told is stored: so it is copied first, and a sequence is left out, so that
   * whoever reads the log later sees that something is missing here.
   */
  async #tidyNewest(segment: SegmentName, account: SegmentAccount): Promise<void> {
    const { tail, end } = account
    const damage: Damage[] = [...account.damage]
    const inDoubt = tail !== null && tail.reason !== 'short'
    if (inDoubt) {
      const { offset, end: tailEnd, reason } = tail
      damage.push({ segment: segment.number, offset, end: tailEnd, reason, frames: null, lost: {} })
      this.#nextSequence++
    }
    this.#note(damage)
    const kept = damage.length === 0 || (await this.#options.quarantine.keep(segment, damage))
    const tailBytes = tail === null ? 0 : tail.end - end
    const cuts = kept || !inDoubt
    const isCut = cuts && (end === 0 ? await this.#remove(segment) : await this.#cut(segment, end, tailBytes))
    if (isCut && tailBytes > 0) {
      this.#options.events.journalTailCut(segmentFileName(segment), end, tailBytes)
    }
    if (!isCut || end > 0) this.#segments.push({ ...segment, bytes: end, tailBytes: isCut ? 0 : tailBytes })
  }

  /** What was found may be in the system's cache alone; from now on it counts as committed. */
  async #cut(segment: SegmentName, end: number, tailBytes: number): Promise<boolean> {
    const done = await this.#withFile(segment, 'modify', async (file) => {
      if (tailBytes > 0) await file.truncate(end)
      await file.datasync()
      return true
    })
    return done === true
  }

  async #remove(segment: SegmentName): Promise<boolean> {
    const { directory, io, events } = this.#options
    const name = segmentFileName(segment)
    try {
      await io.unlink(join(directory, name))
      await io.syncDirectory(directory)
      return true
    } catch (error) {
      events.journalFileFailing(name, reasonOf(error))
      return false
    }
  }

  #note(found: readonly Damage[]): void {
    for (const damage of found) {
      this.#damage.push(damage)
      const segment = this.#list.segments.find(({ number }) => number === damage.segment)
      const name = segment === undefined ? `segment ${damage.segment}` : segmentFileName(segment)
      this.#options.events.journalDamaged(name, damage)
    }
  }

  /** Undefined, with an event, where the disk doesn't let it. */
  async #withFile<T>(
    segment: SegmentName,
    how: 'read' | 'modify',
    act: (file: OpenFile) => Promise<T>,
  ): Promise<T | undefined> {
    const { directory, io, events } = this.#options
    const name = segmentFileName(segment)
    try {
      const file = await io.open(join(directory, name), how)
      try {
        return await act(file)
      } finally {
        await file.close().catch(() => {})
      }
    } catch (error) {
      events.journalFileFailing(name, reasonOf(error))
      return undefined
    }
  }
}
