import type { Taken } from '../../../journal/log.ts'
import { Fifo } from './fifo.ts'

/** Frames that workers tell apart at once. */
export const GROUPS_AT_ONCE_MAX = 4
/** A frame that can't be told apart goes under one key after this. */
const ATTEMPTS_MAX = 3
const RETRY_MS = 1000

/** Records of a frame that have one key; null: all of it. */
export interface Group {
  readonly key: string
  readonly pick: Uint16Array | null
}

/** Tells the events that are meant apart by a field: each is in one group, picks ascend. */
export type GroupEvents = (of: Taken) => Promise<readonly Group[]>

interface Job {
  readonly of: Taken
  groups: readonly Group[] | null
  failures: number
  /** After a failure; NaN: not known yet. */
  retryAtMs: number
}

/** Frames whose events are told apart by workers; they come out in the order that they went in. */
export class Grouping {
  readonly #group: GroupEvents
  readonly #onDone: () => void
  readonly #onFailure: (error: unknown) => void
  readonly #jobs = new Fifo<Job>()

  /** @param onDone something may have become of a frame. */
  constructor(group: GroupEvents, onDone: () => void, onFailure: (error: unknown) => void) {
    this.#group = group
    this.#onDone = onDone
    this.#onFailure = onFailure
  }

  get size(): number {
    return this.#jobs.length
  }

  get hasRoom(): boolean {
    return this.size < GROUPS_AT_ONCE_MAX
  }

  /** When something that failed is tried again; Infinity when nothing has. */
  get nextMs(): number {
    let next = Infinity
    for (const { retryAtMs } of this.#jobs.toArray()) if (retryAtMs < next) next = retryAtMs
    return next
  }

  add(of: Taken): void {
    const job = { of, groups: null, failures: 0, retryAtMs: Infinity }
    this.#jobs.push(job)
    void this.#run(job)
  }

  /** Begins again what failed some time ago. */
  retry(nowMs: number): void {
    for (const job of this.#jobs.toArray()) {
      if (Number.isNaN(job.retryAtMs)) job.retryAtMs = nowMs + RETRY_MS
      if (nowMs < job.retryAtMs) continue
      job.retryAtMs = Infinity
      void this.#run(job)
    }
  }

  /** The next frame, if its events are told apart. */
  shift(): { of: Taken; groups: readonly Group[] } | null {
    const job = this.#jobs.first
    if (job === undefined || job.groups === null) return null
    this.#jobs.shift()
    return { of: job.of, groups: job.groups }
  }

  /** Takes the next frame out as it is; nobody asks for its groups any more. */
  giveUp(): Taken | null {
    return this.#jobs.shift()?.of ?? null
  }

  /** What was taken and has not come out. */
  taken(): Taken[] {
    return this.#jobs.toArray().map(({ of }) => of)
  }

  async #run(job: Job): Promise<void> {
    try {
      const groups = await this.#group(job.of)
      let events = 0
      for (const { pick } of groups) events += pick?.length ?? job.of.events
      if (events !== job.of.events) throw new Error(`${events} of ${job.of.events} events were told apart`)
      job.groups = groups
    } catch (error) {
      this.#onFailure(error)
      job.retryAtMs = NaN
      if (++job.failures >= ATTEMPTS_MAX) job.groups = [{ key: '', pick: null }]
    }
    this.#onDone()
  }
}
