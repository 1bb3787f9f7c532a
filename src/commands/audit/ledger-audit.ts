import type { Checkpoint, SinkTally, SourceTally } from '../../journal/checkpoint.ts'
import type { Damage } from '../../journal/damage.ts'
import { HeldRecords } from '../../journal/held-records.ts'
import { BULK, FAST } from '../../journal/log.ts'
import type { SegmentAccount } from '../../journal/segment-account.ts'
import type { SegmentWalk, Step } from '../../journal/segment-walk.ts'
import type { JournalState, SinkState } from '../../journal/state.ts'
import type { LogVisitor, SegmentRead } from '../journal/walk-log.ts'
import type { LettersOnDisk } from './letters.ts'

export interface AuditedSource {
  readonly name: string
  readonly received: number
  readonly accepted: number
  readonly rejected: number
  readonly shed: number
  /** Accepted and found nowhere, in the segments that are still there. */
  readonly lost: number
}

export interface AuditedSink {
  readonly name: string
  readonly attached: boolean
  /** Of its inputs, since it was attached. */
  readonly accepted: number
  readonly offered: number
  readonly filtered: number
  readonly delivered: number
  readonly held: number
  readonly deadLettered: number
  readonly discarded: number
}

/** `found + rejected and dead-lettered = queued + replayed + purged + evicted`. */
export interface AuditedLetters {
  readonly found: number
  /** Of sources and sinks: what was refused or given up. */
  readonly counted: number
  /** On disk. */
  readonly queued: number
  readonly replayed: number
  readonly purged: number
  readonly evicted: number
}

export interface Problem {
  /** `source push`, `sink siem`, `dead letters`, `journal`. */
  readonly where: string
  readonly what: string
}

export interface Audited {
  readonly sources: readonly AuditedSource[]
  readonly sinks: readonly AuditedSink[]
  readonly deadLetters: AuditedLetters
  /** What doesn't hold. */
  readonly problems: readonly Problem[]
  /** What is worth knowing, and no fault of the ledger. */
  readonly notes: readonly Problem[]
  readonly damage: readonly Damage[]
}

type Held = [bulk: number, fast: number]

/**
 * Recomputes the ledger: carries each checkpoint over the frames behind it and holds the result against the next one, and
 * counts what each sink still holds record by record, against the counts in the state.
 */
export class LedgerAudit implements LogVisitor {
  readonly #state: JournalState | null
  readonly #held = new Map<string, { readonly records: HeldRecords; readonly events: Held }>()
  readonly #problems: Problem[] = []
  readonly #notes: Problem[] = []
  readonly #damage: Damage[] = []
  /** By source. */
  readonly #lost = new Map<string, number>()
  #end: Pick<Checkpoint, 'sources' | 'sinks'> | null = null
  #lastSegment = 0
  /** There was damage in the segment before: so a checkpoint may tell of more than the frames do. */
  #damagedBefore = false

  constructor(state: JournalState | null) {
    this.#state = state
    for (const name of Object.keys(state?.sinks ?? {})) {
      this.#held.set(name, { records: new HeldRecords(name, state!), events: [0, 0] })
    }
  }

  step(step: Step, { memory }: SegmentWalk, { basis }: SegmentAccount): boolean {
    if (step.kind !== 'frame' || basis === null) return true
    for (const { records, events } of this.#held.values()) {
      records.visit(memory, step.at, step.head, basis, (_, lane) => void events[lane]++)
    }
    return true
  }

  end({ segment, account, carried, isNewest }: SegmentRead): void {
    const { checkpoint, tallies, damage, tail } = account
    if (checkpoint !== null && carried !== null)
      this.#compare(`segment ${segment.number}`, carried, checkpoint)
    this.#damage.push(...damage)
    for (const { lost } of damage) for (const [name, events] of Object.entries(lost)) this.#lose(name, events)
    const inDoubt = isNewest && tail !== null && tail.reason !== 'short'
    if (inDoubt) this.#note('journal', `segment ${segment.number} ends with bytes that are no frame`)
    this.#damagedBefore = damage.length > 0 || inDoubt
    this.#end = tallies ?? this.#end
    this.#lastSegment = segment.number
  }

  finish(letters: LettersOnDisk): Audited {
    const state = this.#state
    if (state === null) {
      if (this.#end !== null)
        this.#problem('journal', 'its state cannot be read: nothing tells what sinks settled')
    } else if (state.checkpoint.segment > this.#lastSegment) {
      // A run that has not written yet, or the newest segments are gone.
      if (this.#end !== null) this.#compare('the state', this.#end, state.checkpoint)
      this.#end = state.checkpoint
    }
    const { sources, sinks } = this.#end ?? { sources: [], sinks: [] }
    const auditedSources = sources.map((source) => this.#source(source))
    const auditedSinks = Object.entries(state?.sinks ?? {}).map(([name, sink]) =>
      this.#sink(name, sink, sources, sinks),
    )
    const deadLetters = this.#letters(auditedSources, auditedSinks, letters)
    return {
      sources: auditedSources,
      sinks: auditedSinks,
      deadLetters,
      problems: this.#problems,
      notes: this.#notes,
      damage: this.#damage,
    }
  }

  /** What the frames add up to, against what the next checkpoint says. */
  #compare(where: string, carried: Pick<Checkpoint, 'sources' | 'sinks'>, said: Checkpoint): void {
    for (const source of carried.sources) {
      const next = said.sources.find(({ name }) => name === source.name)
      if (next === undefined) this.#problem(`source ${source.name}`, `${where} does not know it any more`)
      else this.#compareSource(where, source, next)
    }
    for (const sink of carried.sinks) {
      const next = said.sinks.find(({ name }) => name === sink.name)
      if (next === undefined) continue
      for (const lane of [BULK, FAST] as const) {
        const what = `offered (${lane === FAST ? 'fast' : 'bulk'})`
        this.#compareCounts(`sink ${sink.name}`, where, what, sink.offered[lane], next.offered[lane])
      }
      this.#compareCounts(`sink ${sink.name}`, where, 'filtered', sink.filtered, next.filtered)
    }
  }

  #compareSource(where: string, carried: SourceTally, said: SourceTally): void {
    const who = `source ${carried.name}`
    const lost = this.#compareCounts(who, where, 'accepted', carried.accepted, said.accepted)
    if (lost > 0) this.#lose(carried.name, lost)
    this.#compareCounts(who, where, 'rejected', sum(carried.rejected), sum(said.rejected))
    this.#compareCounts(who, where, 'shed', sum(carried.shed), sum(said.shed))
    this.#compareCounts(who, where, 'received bytes', carried.receivedBytes, said.receivedBytes)
  }

  /** Returns how many are missing, where damage explains that. */
  #compareCounts(who: string, where: string, what: string, carried: number, said: number): number {
    if (said === carried) return 0
    if (said > carried && this.#damagedBefore) return said - carried
    this.#problem(who, `${what}: the frames add up to ${count(carried)}, ${where} says ${count(said)}`)
    return 0
  }

  #source({ name, accepted, rejected, shed }: SourceTally): AuditedSource {
    const received = accepted + sum(rejected) + sum(shed)
    const lost = this.#lost.get(name) ?? 0
    return { name, received, accepted, rejected: sum(rejected), shed: sum(shed), lost }
  }

  #sink(
    name: string,
    state: SinkState,
    sources: readonly SourceTally[],
    sinks: readonly SinkTally[],
  ): AuditedSink {
    const where = `sink ${name}`
    const tally = sinks.find((sink) => sink.name === name)
    const attached = tally !== undefined && tally.inputs.length > 0
    const offered = tally?.offered ?? state.settled
    const filtered = tally?.filtered ?? 0
    const inputs = sources.filter((source) => state.inputs.includes(source.name))
    const accepted = sum(inputs.map((source) => source.accepted)) - state.before
    if (attached) this.#equal(where, 'accepted = offered + filtered', accepted, sum(offered) + filtered)
    const deadLettered = sum(Object.values(state.deadLettered))
    const discarded = sum(Object.values(state.discarded))
    const delivered = sum(state.delivered)
    const settled = delivered + deadLettered + discarded
    this.#equal(where, 'settled = delivered + dead-lettered + discarded', sum(state.settled), settled)
    this.#heldBy(name, state, offered)
    const held = sum(offered) - sum(state.settled)
    return {
      name,
      attached,
      accepted,
      offered: sum(offered),
      filtered,
      delivered,
      held,
      deadLettered,
      discarded,
    }
  }

  /** What was offered and is not settled has to be found in the log. */
  #heldBy(name: string, { settled, inputs }: SinkState, offered: readonly [number, number]): void {
    const where = `sink ${name}`
    const { events } = this.#held.get(name)!
    const missing = sum(offered) - sum(settled) - sum(events)
    const lost = sum(inputs.map((source) => this.#lost.get(source) ?? 0))
    if (missing < 0) {
      this.#note(where, `${count(-missing)} events that are settled would be sent again after a crash`)
    } else if (missing > lost) {
      const what = `${count(sum(offered))} offered and ${count(sum(settled))} settled`
      this.#problem(where, `${what}, but ${count(sum(events))} are found in the log`)
    } else if (missing > 0) {
      this.#note(where, `${count(missing)} of what it holds are damaged and will be discarded`)
    }
  }

  /** Marks are written before the state is: where they tell of more, that is so. */
  #letters(
    sources: readonly AuditedSource[],
    sinks: readonly AuditedSink[],
    { queued, totals }: LettersOnDisk,
  ): AuditedLetters {
    const { found, evicted, ...state } = this.#state?.deadLetters ?? NO_LETTERS
    const replayed = Math.max(state.replayed, totals.replayed)
    const purged = Math.max(state.purged, totals.purged)
    const counted =
      sum(sources.map(({ rejected }) => rejected)) + sum(sinks.map(({ deadLettered }) => deadLettered))
    const expected = found + counted - replayed - purged - evicted
    const text = `${count(queued)} on disk, ${count(expected)} counted`
    if (queued < expected) this.#problem('dead letters', text)
    else if (queued > expected)
      this.#note(
        'dead letters',
        `${text}: the rest was written in the last moment before a crash, or just now`,
      )
    return { found, counted, queued, replayed, purged, evicted }
  }

  #equal(where: string, what: string, left: number, right: number): void {
    if (left !== right) this.#problem(where, `${what}: ${count(left)} is not ${count(right)}`)
  }

  #lose(source: string, events: number): void {
    this.#lost.set(source, (this.#lost.get(source) ?? 0) + events)
  }

  #problem(where: string, what: string): void {
    this.#problems.push({ where, what })
  }

  #note(where: string, what: string): void {
    this.#notes.push({ where, what })
  }
}

const NO_LETTERS = { found: 0, replayed: 0, purged: 0, evicted: 0 }

export function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0)
}

function count(n: number): string {
  return n.toLocaleString('en')
}
