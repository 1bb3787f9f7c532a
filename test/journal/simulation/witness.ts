import assert from 'node:assert/strict'
import type { JournalState, LaneState } from '../../../src/journal/state.ts'
import type { OnDisk } from './disk-scan.ts'

/** An event that was handed to the log. */
export interface WitnessedEvent {
  readonly id: string
  readonly source: string
  readonly text: string
  readonly fast: boolean
  readonly routes: number
  /** Names of the sinks that its frame names; null: it is for all. */
  readonly meantFor: readonly string[] | null
  readonly life: number
  readonly epoch: string
  readonly sequence: number
  /** In its frame's table. */
  readonly index: number
  /** Its peer was told that it is stored. */
  acknowledged: boolean
}

/** What is owed to a sink, from when it is attached until it is detached. */
export interface Attachment {
  readonly name: string
  /** Acknowledged events that it is to get. */
  readonly owed: Set<WitnessedEvent>
  /** Ids of what it accepted, or was given up for it. */
  readonly done: Set<string>
  /** Ids that may not come again: the state that is on disk says that they are settled. */
  settledBefore: Set<string>
  /** Ids that came in this life. */
  doneNow: Set<string>
  /** Duplicates that were in order. */
  repeats: number
  /** Events that the state on disk says were given up when it was detached. */
  detached: number
}

export interface WitnessedSink {
  readonly name: string
  /** Names. */
  readonly inputs: readonly string[]
  readonly filterIndex: number
  readonly from: 'now' | 'oldest'
}

/** Remembers what was promised, over all lives, and speaks up when a promise is broken. */
export class Witness {
  readonly events = new Map<string, WitnessedEvent>()
  readonly attached = new Map<string, Attachment>()
  readonly #frames = new Map<number, WitnessedEvent[]>()
  #life = 0
  #sinks: readonly WitnessedSink[] = []
  /** Sequence of the last frame that was acknowledged. */
  #committedSequence = 0
  readonly #tolerant: boolean

  /** `tolerant`: events may be found damaged, as long as that is said. */
  constructor(tolerant: boolean) {
    this.#tolerant = tolerant
  }

  // ---- lives

  /** A process begins on what is on disk. */
  begin(life: number, sinks: readonly WitnessedSink[], state: JournalState | null, disk: OnDisk): void {
    this.#life = life
    this.#sinks = sinks
    for (const [name, attachment] of this.attached) {
      const isKnown = state !== null && Object.hasOwn(state.sinks, name)
      const detached = state?.sinks[name]?.discarded['detached'] ?? 0
      // What it had not got by then is not owed any more.
      if (detached > attachment.detached) attachment.owed.clear()
      attachment.detached = detached
      attachment.doneNow = new Set()
      attachment.settledBefore = isKnown ? this.#settledIn(attachment, state, disk) : new Set()
    }
    for (const sink of sinks) if (!this.attached.has(sink.name)) this.#attach(sink, disk)
  }

  #attach({ name, inputs, from }: WitnessedSink, disk: OnDisk): void {
    const owed = new Set<WitnessedEvent>()
    const isOwed = ({ source, sequence, acknowledged, meantFor }: WitnessedEvent) =>
      acknowledged &&
      from === 'oldest' &&
      meantFor === null &&
      inputs.includes(source) &&
      disk.sequences.has(sequence)
    for (const event of this.events.values()) if (isOwed(event)) owed.add(event)
    this.attached.set(name, {
      name,
      owed,
      done: new Set(),
      settledBefore: new Set(),
      doneNow: new Set(),
      repeats: 0,
      detached: 0,
    })
  }

  /** What the state on disk says is settled must be so, and must not come again. */
  #settledIn({ name, owed, done }: Attachment, state: JournalState, disk: OnDisk): Set<string> {
    const settled = new Set<string>()
    const { lanes } = state.sinks[name]!
    const waiting = new Set<string>()
    for (const deferred of disk.deferred) {
      if (deferred.sink !== name) continue
      for (const [index, id] of deferred.ids.entries()) {
        const { fast } = this.events.get(id)!
        if (!isSettled(lanes[fast ? 1 : 0], deferred.sequence, index)) waiting.add(id)
      }
    }
    for (const event of this.events.values()) {
      const { id, fast, sequence, index, source } = event
      if (waiting.has(id) || !isSettled(lanes[fast ? 1 : 0], sequence, index)) continue
      settled.add(id)
      if (this.#tolerant || !owed.has(event)) continue
      assert(
        done.has(id),
        `${name}: the state says that ${id} of ${source} (${sequence}, ${index}) is settled, and it is not`,
      )
    }
    return settled
  }

  // ---- in

  appended(events: readonly WitnessedEvent[]): void {
    const first = events[0]
    if (first === undefined) return
    const { sequence } = first
    assert(sequence > this.#committedSequence, `sequence ${sequence} was there before`)
    this.#frames.set(sequence, [...events])
    for (const event of events) {
      assert(!this.events.has(event.id))
      this.events.set(event.id, event)
    }
  }

  committed(sequence: number, events: readonly WitnessedEvent[]): void {
    assert(sequence > this.#committedSequence, 'committed in order')
    this.#committedSequence = sequence
    for (const event of events) {
      event.acknowledged = true
      for (const sink of this.#sinks) {
        if (isFor(sink, event)) this.attached.get(sink.name)!.owed.add(event)
      }
    }
  }

  /** Sinks that a frame's events are for. */
  isSettled(events: readonly WitnessedEvent[]): boolean {
    return events.every((event) =>
      this.#sinks.every((sink) => !isFor(sink, event) || this.attached.get(sink.name)!.doneNow.has(event.id)),
    )
  }

  // ---- out

  /** A sink accepted it, or it was given up for that sink. */
  done(name: string, id: string, text: string): void {
    const event = this.events.get(id)
    assert(event !== undefined && event.text === text, `${name}: ${id} is not what was received`)
    assert(event.acknowledged || event.life < this.#life, `${name}: ${id} was sent before it was committed`)
    const sink = this.#sinks.find((known) => known.name === name)!
    const attachment = this.attached.get(name)!
    const { done, doneNow, settledBefore, owed } = attachment
    assert(
      !doneNow.has(id),
      `${name}: ${id} (${event.sequence}, ${event.index}) was settled twice in one life`,
    )
    assert(
      !settledBefore.has(id),
      `${name}: ${id} (${event.sequence}, ${event.index}) was settled, as the state on disk knows`,
    )
    assert(event.life < this.#life || isFor(sink, event), `${name}: ${id} is not for it`)
    assert(
      event.life === this.#life || !event.acknowledged || owed.has(event),
      `${name}: ${id} is not owed to it`,
    )
    if (done.has(id)) attachment.repeats++
    done.add(id)
    doneNow.add(id)
  }

  /** Of each sink what it is owed and has not got. */
  missing(name: string): WitnessedEvent[] {
    const { owed, done } = this.attached.get(name)!
    return [...owed].filter(({ id }) => !done.has(id))
  }

  /** The ids of a frame of kind DEFERRED are those that its records came with. */
  checkOrigin(id: string, epoch: string, sequence: number, index: number): void {
    const event = this.events.get(id)!
    assert.deepEqual([epoch, sequence, index], [event.epoch, event.sequence, event.index], `id of ${id}`)
  }
}

function isFor(
  { name, inputs, filterIndex }: WitnessedSink,
  { source, routes, meantFor }: WitnessedEvent,
): boolean {
  if (!inputs.includes(source) || meantFor?.includes(name) === false) return false
  return filterIndex === -1 || (routes & (1 << filterIndex)) !== 0
}

function isSettled({ next, unsettled }: LaneState, sequence: number, index: number): boolean {
  if (sequence >= next.sequence) return false
  return !unsettled.some(
    ({ from, to }) => !isBefore([sequence, index], from) && isBefore([sequence, index], to),
  )
}

function isBefore(left: readonly [number, number], right: readonly [number, number]): boolean {
  return left[0] < right[0] || (left[0] === right[0] && left[1] < right[1])
}
