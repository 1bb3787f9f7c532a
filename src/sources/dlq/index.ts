import { reasonOf, spwError } from '../../base/errors.ts'
import type { Clock } from '../../base/clock.ts'
import type { FileIo } from '../../base/file-io.ts'
import { parseFileName } from '../../dlq/letter-file.ts'
import type { LetterRun } from '../../dlq/letter-id.ts'
import { LetterReader } from '../../dlq/letter-reader.ts'
import type { MarkKind } from '../../dlq/marks.ts'
import type { Selection } from '../../dlq/selection.ts'
import type { Frame } from '../../journal/frame.ts'
import { offeredOf } from '../../journal/memory-log.ts'
import type { Intake } from '../../pipeline/intake/intake.ts'
import type { Source } from '../../pipeline/source.ts'
import { LetterFeed } from './letter-feed.ts'
import { PlanFile, firstLetters, lettersIn } from './plan-file.ts'
import type { ReplayPlan } from './plan-file.ts'
import { Replay, SLICE_LETTERS_MAX } from './replay.ts'
import { LetterRouting } from './routing.ts'
import type { RoutingChoice, RoutingConfig, SkipReason } from './routing.ts'

/** A second's worth is the least that a plan is written for. */
const SLICE_LETTERS_MIN = 100

/** What of the dead-letter queue is to be received anew. */
export interface ReplayRequest extends RoutingChoice {
  readonly selection: Selection
  /** Events a second. */
  readonly rate: number
}

export interface ReplayStatus {
  readonly state: 'running' | 'stopping' | 'done' | 'stopped' | 'failed'
  /** Why it failed; '' otherwise. */
  readonly reason: string
  /** ISO 8601. */
  readonly startedAt: string
  /** Events a second. */
  readonly rate: number
  /** Letters that were looked at, of those selected. */
  readonly chosen: number
  /** Records received anew, of which so many were accepted, and rejected: those are new letters now. */
  readonly accepted: number
  readonly rejected: number
  /** Letters that have left the queue: those of the slice under way follow. */
  readonly replayed: number
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>
  /** Lines of the queue's files that are no letters. */
  readonly damaged: number
  /** By sink: accepted records that are for it, and those that are not. */
  readonly sinks: Readonly<Record<string, { readonly offered: number; readonly filtered: number }>>
  /** Null while it doesn't wait. */
  readonly waitingFor: string | null
}

export interface DlqSourceEvents {
  replayBegan(rate: number): void
  replayEnded(state: string, replayed: number, rejected: number, skipped: number): void
  /** Of a plan that a crash left, so many letters are through. */
  replayRecovered(replayed: number, planned: number): void
  /** What a crash left can't be told: letters may be replayed twice. */
  replayPlanUnusable(path: string, reason: string): void
}

export interface DlqSourceOptions {
  /** Of this source; made after it. */
  readonly intake: () => Intake
  readonly clock: Clock
  readonly events: DlqSourceEvents
  /** `data_dir/dlq` */
  readonly directory: string
  readonly io: FileIo
  readonly queue: {
    mark(letters: readonly LetterRun[], kind: MarkKind): Promise<number>
    committedBytes(file: string): number
  }
  readonly routing: RoutingConfig
  /** Of the sinks, in their order: bit of the route mask that is its `where`, -1 for none. */
  readonly filterIndexes: readonly number[]
  /** The source's own. */
  readonly counts: { readonly received: number }
  /** The journal is on disk, and keeps these. */
  readonly keepsCounts: boolean
  /** Why live events go first now; null: there is room for others. */
  readonly mustWait: () => string | null
}

/** One replay, running or the last one. */
interface Current {
  readonly replay: Replay
  readonly feed: LetterFeed
  readonly reader: LetterReader
  readonly rate: number
  readonly startedAt: string
  readonly sinks: Record<string, { offered: number; filtered: number }>
  /** Of the files, when it began. */
  readonly lengths: Map<string, number>
  state: ReplayStatus['state']
  reason: string
  ended: Promise<void>
}

/**
 * The source `dlq`: dead letters that the operator wants to be received anew. One replay at a time; see README.md for how each
 * letter is replayed once, whatever happens.
 */
export class DlqSource implements Source {
  readonly address = ''
  /** It has no input but by request. */
  readonly ended = Promise.resolve()
  readonly #options: DlqSourceOptions
  readonly #plan: PlanFile
  #current: Current | null = null
  #stopped = false

  constructor(options: DlqSourceOptions) {
    this.#options = options
    this.#plan = new PlanFile(options.directory, options.io)
  }

  /** What a crash left of a replay is settled; where the disk fails, before the next one. */
  async start(): Promise<void> {
    await this.#recover().catch(() => {})
  }

  /** Marks the letters of a plan that are through, and drops it. Rejects when the disk fails. */
  async #recover(): Promise<void> {
    const { counts, queue, events } = this.#options
    const plan = await this.#plannedLetters()
    if (plan === null) return
    const planned = lettersIn(plan.letters)
    const received = counts.received - plan.received
    if (received < 0 || received > planned)
      events.replayPlanUnusable(this.#plan.path, 'the journal has another past')
    else if (await queue.mark(firstLetters(plan.letters, received), 'replayed'))
      events.replayRecovered(received, planned)
    await this.#plan.remove()
  }

  /** Null where no replay was broken off, or where nothing tells how far it was. */
  async #plannedLetters(): Promise<ReplayPlan | null> {
    if (!this.#options.keepsCounts) return null
    try {
      return await this.#plan.read()
    } catch (error) {
      this.#options.events.replayPlanUnusable(this.#plan.path, reasonOf(error))
      await this.#plan.remove()
      return null
    }
  }

  /** Ends a replay: what was sent is received, unless `deadline` comes first. */
  async stop(deadline?: AbortSignal): Promise<void> {
    this.#stopped = true
    const current = this.#current
    if (current === null) return
    this.halt()
    const abandon = () => current.replay.stop(true)
    deadline?.addEventListener('abort', abandon)
    if (deadline?.aborted === true) abandon()
    await current.ended
    deadline?.removeEventListener('abort', abandon)
  }

  /**
   * Begins a replay; how it goes on is in `status`. Throws SPW_ERR_REPLAY_RUNNING, SPW_ERR_OPTION_INVALID and
   * SPW_ERR_COLLECTOR_STOPPED.
   */
  begin(request: ReplayRequest): ReplayStatus {
    if (this.#stopped) throw spwError('SPW_ERR_COLLECTOR_STOPPED', {})
    const before = this.#current
    if (before !== null && isUnderWay(before)) throw spwError('SPW_ERR_REPLAY_RUNNING', {})
    const routing = new LetterRouting(this.#options.routing, request)
    const current = this.#newReplay(request, routing)
    this.#current = current
    current.ended = this.#run(current, request)
    return this.status!
  }

  #newReplay({ rate, selection }: ReplayRequest, routing: LetterRouting): Current {
    const { clock, mustWait, directory, io, queue, counts, keepsCounts, routing: config } = this.#options
    const intake = this.#options.intake()
    const feed = new LetterFeed({ intake, clock, rate, mustWait })
    const lengths = new Map<string, number>()
    const reader = new LetterReader({
      directory,
      io,
      selection,
      // Letters that come meanwhile, of this replay as well, were not chosen.
      committedBytes: (name) => Math.min(lengths.get(name) ?? 0, queue.committedBytes(name)),
    })
    const replay = new Replay({
      reader,
      routing,
      feed,
      lineBytesMax: intake.chunkBytesMax,
      sliceLetters: Math.min(SLICE_LETTERS_MAX, Math.max(SLICE_LETTERS_MIN, Math.ceil(rate))),
      received: keepsCounts ? () => counts.received : null,
      plan: this.#plan,
      mark: (letters) => queue.mark(letters, 'replayed'),
    })
    return {
      replay,
      feed,
      reader,
      rate,
      startedAt: new Date(clock.wallClock()).toISOString(),
      sinks: Object.fromEntries(config.sinks.map(({ name }) => [name, { offered: 0, filtered: 0 }])),
      state: 'running',
      reason: '',
      ended: Promise.resolve(),
      lengths,
    }
  }

  async #run(current: Current, { rate }: ReplayRequest): Promise<void> {
    const { events, intake } = this.#options
    const { replay, feed } = current
    events.replayBegan(rate)
    try {
      await this.#recover()
      await this.#measure(current.lengths)
      await replay.run()
      current.state = current.state === 'stopping' ? 'stopped' : 'done'
    } catch (error) {
      current.state = 'failed'
      current.reason = reasonOf(error)
    }
    intake().rest()
    const skipped = Object.values(replay.skipped).reduce((sum, count) => sum + count, 0)
    events.replayEnded(current.state, replay.replayed, feed.counts.rejected, skipped)
  }

  /** What is in the queue now. */
  async #measure(lengths: Map<string, number>): Promise<void> {
    const { directory, io, queue } = this.#options
    for (const name of await io.list(directory)) {
      if (parseFileName(name) !== undefined) lengths.set(name, queue.committedBytes(name))
    }
  }

  /** Ends the replay that is under way behind what was sent: `status` tells when. It can be begun again. */
  halt(): ReplayStatus | null {
    const current = this.#current
    if (current?.state === 'running') {
      current.state = 'stopping'
      current.replay.stop()
    }
    return this.status
  }

  /** Of the replay that is under way, or else of the last one; null where there was none. */
  get status(): ReplayStatus | null {
    if (this.#current === null) return null
    const { replay, feed, reader, state, reason, rate, startedAt, sinks } = this.#current
    const { accepted, rejected } = feed.counts
    return {
      state,
      reason,
      startedAt,
      rate,
      chosen: replay.chosen,
      accepted,
      rejected,
      replayed: replay.replayed,
      skipped: { ...replay.skipped },
      damaged: reader.damagedCount,
      sinks: structuredClone(sinks),
      waitingFor: isUnderWay(this.#current) ? feed.waitingFor : null,
    }
  }

  /** A frame of this source is committed. */
  committed(frame: Frame): void {
    const { filterIndexes, routing } = this.#options
    for (const [index, { name }] of routing.sinks.entries()) {
      const counts = this.#current?.sinks[name]
      if (counts === undefined) continue
      const [bulk, fast] = offeredOf(frame, filterIndexes[index]!, index)
      counts.offered += bulk + fast
      counts.filtered += frame.records - bulk - fast
    }
  }
}

function isUnderWay({ state }: Pick<Current, 'state'>): boolean {
  return state === 'running' || state === 'stopping'
}
