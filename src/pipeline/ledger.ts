import { REJECT_CATEGORIES, SEVERITIES } from '../memory/extent-ring.ts'

export const LANES = ['bulk', 'fast'] as const
export type Lane = (typeof LANES)[number]
export const BULK = 0
export const FAST = 1

/** Counts of one source. `received = accepted + rejected + shed`, counted in one step when an extent is committed. */
export class SourceCounts {
  readonly name: string
  received = 0
  receivedBytes = 0
  accepted = 0
  /** By index of REJECT_CATEGORIES. */
  readonly rejected = REJECT_CATEGORIES.map(() => 0)
  /** Dropped by the operator's policy, by severity. */
  readonly shedBy = Array.from({ length: SEVERITIES }, () => 0)

  constructor(name: string) {
    this.name = name
  }

  get rejectedTotal(): number {
    return this.rejected.reduce((total, count) => total + count, 0)
  }

  get shed(): number {
    return this.shedBy.reduce((total, count) => total + count, 0)
  }
}

/** Counts of one sink, by lane (BULK, FAST). `accepted = offered + filtered` over its inputs, since it was attached. */
export class SinkCounts {
  readonly name: string
  /** Indexes of the sources that it reads. */
  readonly inputs: readonly number[]
  /** Events of its inputs that were accepted before it was attached. */
  before = 0
  filtered = 0
  readonly offered = [0, 0]
  readonly delivered = [0, 0]
  deliveredBytes = 0
  /** Delivered in this run, both lanes; in no equation. */
  deliveredNow = 0
  /** Of these, at most so many came behind a later event of their source. */
  outOfOrder = 0
  /** By category: refused, expired, undelivered. */
  readonly deadLettered = new Map<string, number>()
  readonly discarded = new Map<string, number>()
  /** Independent count of what is in memory for this sink, by lane; walked, not subtracted. */
  held: () => readonly [number, number] = () => [0, 0]

  constructor(name: string, inputs: readonly number[]) {
    this.name = name
    this.inputs = inputs
  }
}

/** Counts of the dead-letter queue. */
export class DeadLetterCounts {
  found = 0
  /** Entries in the files now. */
  queued = 0
  replayed = 0
  purged = 0
  evicted = 0
}

export interface Imbalance {
  readonly where: string
  readonly left: number
  readonly right: number
}

/** The conservation ledger (DESIGN section 1). */
export class Ledger {
  readonly sources: readonly SourceCounts[]
  readonly sinks: readonly SinkCounts[]
  readonly dlq = new DeadLetterCounts()
  /** Dead letters of sources and sinks that are no longer configured. */
  lettersOfTheLeft = 0

  constructor(sources: readonly SourceCounts[], sinks: readonly SinkCounts[]) {
    this.sources = sources
    this.sinks = sinks
  }

  /** What is in memory for the sinks, over all of them: an event that two sinks wait for counts twice. */
  heldEvents(): number {
    let events = 0
    for (const sink of this.sinks) for (const held of sink.held()) events += held
    return events
  }

  /** Over all sinks, as above. */
  deliveredEvents(): number {
    return this.sinks.reduce((events, { delivered }) => events + delivered[BULK]! + delivered[FAST]!, 0)
  }

  /** Every equation that does not hold now; empty when the ledger balances. */
  imbalances(): Imbalance[] {
    const found: Imbalance[] = []
    const check = (where: string, left: number, right: number) => {
      if (left !== right) found.push({ where, left, right })
    }
    for (const source of this.sources) {
      const { name, received, accepted, shed } = source
      check(`source ${name}: received`, received, accepted + source.rejectedTotal + shed)
    }
    for (const sink of this.sinks) {
      const accepted = sink.inputs.reduce((total, source) => total + this.sources[source]!.accepted, 0)
      const offered = sink.offered[BULK]! + sink.offered[FAST]!
      const dead = sum(sink.deadLettered)
      const held = sink.held()
      check(`sink ${sink.name}: accepted`, accepted - sink.before, offered + sink.filtered)
      check(
        `sink ${sink.name}: offered`,
        offered,
        sink.delivered[BULK]! + sink.delivered[FAST]! + held[BULK] + held[FAST] + dead + sum(sink.discarded),
      )
    }
    const { found: atStart, queued, replayed, purged, evicted } = this.dlq
    const letters = this.deadLettersCounted()
    check('dead-letter queue', atStart + letters, queued + replayed + purged + evicted)
    return found
  }

  /** Records that became dead letters, by the counts of the sources and sinks, also of those that have left. */
  deadLettersCounted(): number {
    let letters = this.lettersOfTheLeft
    for (const source of this.sources) letters += source.rejectedTotal
    for (const sink of this.sinks) letters += sum(sink.deadLettered)
    return letters
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}
