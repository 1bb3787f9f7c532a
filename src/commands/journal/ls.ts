/** `spillway journal ls`: segments, what is in them, and where the sinks stand. */
import { FRAME_KIND } from '../../memory/frame-region.ts'
import { BULK, FAST } from '../../journal/log.ts'
import type { SegmentAccount } from '../../journal/segment-account.ts'
import type { JournalState, SinkState } from '../../journal/state.ts'
import { standardOutput, withJournal } from './open-journal.ts'
import type { JournalOptions, JournalView, Output } from './open-journal.ts'
import { table } from './table.ts'
import { stateOf, walkLog } from './walk-log.ts'
import type { SegmentRead } from './walk-log.ts'

interface ListedSegment {
  readonly number: number
  readonly firstSequence: number
  /** Of its last frame; below the first one where there is none. */
  readonly lastSequence: number
  readonly bytes: number
  readonly frames: number
  /** Earliest and latest event, ISO 8601; null without events. */
  readonly from: string | null
  readonly to: string | null
  /** By source. */
  readonly events: Readonly<Record<string, number>>
  readonly damaged: boolean
}

interface ListedSink {
  readonly name: string
  /** False: it has left the configuration. */
  readonly attached: boolean
  /** Where its bulk cursor stands. */
  readonly segment: number
  readonly sequence: number
  readonly lagEvents: number
  /** Of the log, from its oldest unsettled event on. */
  readonly lagBytes: number
}

interface Listing {
  readonly segments: readonly ListedSegment[]
  readonly sinks: readonly ListedSink[]
}

/** Prints the segments and the sinks. Resolves to the exit code. */
export function journalLsCommand(
  options: JournalOptions,
  output: Output = standardOutput,
): Promise<0 | 1 | 2> {
  return withJournal(options, output, async (view) => {
    const listing = await list(view)
    output.out(options.json === true ? `${JSON.stringify(listing, undefined, 2)}\n` : shown(view, listing))
    return 0
  })
}

async function list(view: JournalView): Promise<Listing> {
  const state = await stateOf(view)
  const segments: ListedSegment[] = []
  let last: SegmentAccount | null = null
  let counts = new SegmentCounts()
  await walkLog(view, state, {
    step(step, _walk, account) {
      if (step.kind === 'frame' && step.head.kind === FRAME_KIND.EVENTS) {
        const { head } = step
        counts.add(head.source, head.records, head.firstTimeMs, head.lastTimeMs)
      }
      last = account
      return true
    },
    end(read) {
      segments.push(counts.listed(read))
      counts = new SegmentCounts()
    },
  })
  return { segments, sinks: state === null ? [] : listSinks(state, last, segments) }
}

/** What is counted of one segment on the way. */
class SegmentCounts {
  readonly #events = new Map<number, number>()
  #frames = 0
  #fromMs = Infinity
  #toMs = -Infinity

  add(source: number, records: number, firstTimeMs: number, lastTimeMs: number): void {
    this.#frames++
    if (records === 0) return
    this.#events.set(source, (this.#events.get(source) ?? 0) + records)
    this.#fromMs = Math.min(this.#fromMs, firstTimeMs)
    this.#toMs = Math.max(this.#toMs, lastTimeMs)
  }

  listed({ segment, account, walk, fileBytes, isNewest }: SegmentRead): ListedSegment {
    const { basis, damage, tail } = account
    const name = (source: number) => basis?.sources[source]?.name ?? `(source ${source})`
    return {
      ...segment,
      lastSequence: walk.sequence - 1,
      bytes: fileBytes,
      frames: this.#frames,
      from: isoOf(this.#fromMs),
      to: isoOf(this.#toMs),
      events: Object.fromEntries([...this.#events].map(([source, events]) => [name(source), events])),
      damaged: damage.length > 0 || (isNewest && tail !== null && tail.reason !== 'short'),
    }
  }
}

function isoOf(timeMs: number): string | null {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

function listSinks(
  { sinks, checkpoint }: JournalState,
  last: SegmentAccount | null,
  segments: readonly ListedSegment[],
): ListedSink[] {
  const newest = segments.at(-1)
  const isAhead = newest === undefined || checkpoint.segment > newest.number
  const tallies = (isAhead ? null : last?.tallies) ?? checkpoint
  return Object.entries(sinks).map(([name, sink]) => {
    const tally = tallies.sinks.find((one) => one.name === name)
    const offered = tally?.offered ?? sink.settled
    const { segment, sequence } = sink.lanes[BULK].next
    return {
      name,
      attached: (tally?.inputs.length ?? 0) > 0,
      segment,
      sequence,
      lagEvents: offered[BULK] + offered[FAST] - sink.settled[BULK] - sink.settled[FAST],
      lagBytes: lagBytes(sink, segments),
    }
  })
}

function lagBytes({ lanes }: SinkState, segments: readonly ListedSegment[]): number {
  const [bulk, fast] = [lanes[BULK].oldest, lanes[FAST].oldest]
  const oldest = fast.sequence < bulk.sequence ? fast : bulk
  let bytes = 0
  for (const { number, bytes: all } of segments) {
    if (number > oldest.segment) bytes += all
    else if (number === oldest.segment) bytes += Math.max(0, all - oldest.offset)
  }
  return bytes
}

function shown({ directory }: JournalView, { segments, sinks }: Listing): string {
  if (segments.length === 0 && sinks.length === 0) return `${directory}: no journal yet\n`
  const segmentRows = segments.map((one) => [
    one.number,
    `${one.firstSequence}-${one.lastSequence}`,
    one.from ?? '',
    one.to ?? '',
    one.bytes,
    Object.entries(one.events)
      .map(([source, events]) => `${source} ${events.toLocaleString('en')}`)
      .join(', ') + (one.damaged ? ' DAMAGED' : ''),
  ])
  const sinkRows = sinks.map(({ name, attached, segment, sequence, lagEvents, lagBytes: bytes }) => [
    name,
    attached ? 'yes' : 'no: has left the configuration',
    `${segment}:${sequence}`,
    lagEvents,
    bytes,
  ])
  return [
    table(['segment', 'sequences', 'events from', 'to', 'bytes', 'events'], segmentRows),
    '\n',
    table(['sink', 'attached', 'cursor', 'lag events', 'lag bytes'], sinkRows),
  ].join('')
}
