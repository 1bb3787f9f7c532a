import { newSourceTally } from './checkpoint.ts'
import type { Checkpoint, SinkTally } from './checkpoint.ts'
import type { Damage } from './damage.ts'
import { namelessSource } from './segment-account.ts'
import type { SegmentAccount } from './segment-account.ts'
import type { JournalState, SinkState } from './state.ts'
import { Tallies } from './tallies.ts'

/** Of no run: epochs are random. */
const NO_EPOCH = '0'.repeat(16)
const LONG_AGO = new Date(0).toISOString()

/** The ledger while segments are recovered, one after another, and what the state knows beyond them. */
export class RecoveredLedger {
  readonly #state: JournalState | null
  #tallies: Tallies
  #epoch = NO_EPOCH
  /** Events by index of their source, of segments of which nothing tells whose they are. */
  readonly #nameless = new Map<number, number>()

  constructor(state: JournalState | null) {
    this.#state = state
    this.#tallies = new Tallies(state?.checkpoint ?? { sources: [], sinks: [] })
  }

  /** A segment was read that was believed to begin with `begin`. */
  take(account: SegmentAccount, begin: Checkpoint | null): void {
    if (account.tallies !== null) this.#tallies = account.tallies
    else if (begin !== null) this.#tallies = new Tallies(begin)
    this.#epoch = account.basis?.epoch ?? NO_EPOCH
    for (const [source, events] of account.nameless) {
      this.#nameless.set(source, (this.#nameless.get(source) ?? 0) + events)
    }
  }

  /**
   * What the state knows of was committed once. Where it knows of more than is found, segments, or the end of one, are gone;
   * nobody can tell by whose hand. Called when all is read, up to the segment `lastNumber` and to `nextSequence`. A segment
   * of which it knows may never have been begun: then it has what is found, and who was attached since.
   */
  heedState(lastNumber: number, nextSequence: number): Damage[] {
    if (this.#state === null) return []
    const { checkpoint, sinks } = this.#state
    const gone: Damage[] = []
    if (checkpoint.segment > lastNumber) {
      if (checkpoint.sequence > nextSequence) gone.push(goneFrom(checkpoint.segment, {}))
      if (checkpoint.sequence >= nextSequence) this.#tallies = new Tallies(checkpoint)
      else this.#tallies = new Tallies(withSinksOf(this.#tallies, checkpoint))
      this.#epoch = NO_EPOCH
    }
    for (const sink of this.#tallies.sinks) {
      if (!Object.hasOwn(sinks, sink.name)) continue
      const lost = this.#raiseToSettled(sink, sinks[sink.name]!)
      if (lost !== null) gone.push(goneFrom(Math.max(lastNumber, checkpoint.segment), lost))
    }
    return gone
  }

  /** What a sink has settled was accepted, though nothing tells of which of its inputs: the first one stands for all. */
  #raiseToSettled(sink: SinkTally, { settled }: SinkState): Record<string, number> | null {
    const bulk = Math.max(0, settled[0] - sink.offered[0])
    const fast = Math.max(0, settled[1] - sink.offered[1])
    const input = sink.inputs[0]
    if (bulk + fast === 0 || input === undefined) return null
    this.#tallies.addLost(input, bulk, fast)
    return { [this.#tallies.sources[input]!.name]: bulk + fast }
  }

  /** Highest segment and sequence that cursors, or the checkpoint in the state, know of. */
  get reachOfState(): { readonly segment: number; readonly sequence: number } {
    let segment = 0
    let sequence = 1
    const reach = (position: { readonly segment: number; readonly sequence: number }) => {
      segment = Math.max(segment, position.segment)
      sequence = Math.max(sequence, position.sequence)
    }
    if (this.#state === null) return { segment, sequence }
    reach(this.#state.checkpoint)
    for (const { lanes } of Object.values(this.#state.sinks)) {
      for (const { next } of lanes) reach(next)
    }
    return { segment, sequence }
  }

  /** As it stands now: what the next segment would begin with, had it been the same run's. */
  checkpoint(segment: number, sequence: number): Checkpoint {
    const { sources, sinks } = new Tallies(this.#tallies)
    const nameless = [...this.#nameless].map(([source, events]) => {
      const tally = newSourceTally(namelessSource(source))
      tally.accepted = events
      return tally
    })
    return {
      version: 1,
      segment,
      sequence,
      epoch: this.#epoch,
      createdAt: LONG_AGO,
      sources: [...sources, ...nameless],
      sinks,
    }
  }
}

/** Sinks that only a checkpoint knows of are added. */
function withSinksOf(
  { sources, sinks }: Tallies,
  checkpoint: Checkpoint,
): Pick<Checkpoint, 'sources' | 'sinks'> {
  const indexOf = (source: number) =>
    sources.findIndex(({ name }) => name === checkpoint.sources[source]?.name)
  const added = checkpoint.sinks
    .filter((sink) => !sinks.some(({ name }) => name === sink.name))
    .map(({ name, inputs, filter, offered, filtered }) => {
      const known = inputs.map(indexOf).filter((index) => index !== -1)
      return { name, inputs: known, filter, offered, filtered }
    })
  return { sources, sinks: [...sinks, ...added] }
}

function goneFrom(segment: number, lost: Readonly<Record<string, number>>): Damage {
  return { segment, offset: 0, end: 0, reason: 'missing', frames: null, lost }
}
