import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../../src/base/units.ts'
import type { EventForm } from '../events.ts'
import { RUNTIME_BYTES } from '../flood.ts'
import { CollectorProcess } from '../collector-process.ts'
import type { Outage, ReceiverTask } from '../load/receiver-thread.ts'
import { SendingThread, startThread } from '../load/sending-thread.ts'
import type { StreamPlan } from '../load/stream.ts'
import { Tally, monotonicMs } from '../load/tally.ts'
import { takeSample } from './sample.ts'
import type { Sample } from './sample.ts'
import { Visitors } from './visitors.ts'

export interface SoakPlan {
  readonly seconds: number
  /** Over all sources. */
  readonly eventsPerSecond: number
  readonly sampleMs: number
  /** The destination throttles, again and again. */
  readonly outage: Outage
}

export interface SoakReport {
  readonly events: number
  readonly samples: readonly Sample[]
  /** Nothing may be wrong. */
  readonly faults: readonly string[]
}

interface Stream {
  readonly source: string
  readonly mode: 'tcp' | 'http'
  readonly form: EventForm
  readonly connections: number
}

const streams: readonly Stream[] = [
  { source: 'lines', mode: 'tcp', form: 'ndjson', connections: 4 },
  { source: 'push', mode: 'http', form: 'ndjson', connections: 4 },
  { source: 'net', mode: 'tcp', form: 'rfc5424', connections: 4 },
]
const sources = {
  lines: { type: 'tcp', listen: '127.0.0.1:0' },
  push: { type: 'http', listen: '127.0.0.1:0' },
  net: { type: 'syslog', transport: 'tcp', listen: '127.0.0.1:0' },
}

/** Of each source: shippers send in blocks. */
const WRITES_PER_SECOND = 5
/** Connections that come and go, with every sample. */
const VISITORS_PER_SAMPLE = 2
/** Nothing new may come for so long before what is missing is given up: longer than an outage and the waits after it. */
const GIVE_UP_MS = 60_000
const POLL_MS = 50

/** A collector with a journal on disk, a steady load through three sources, and one sink whose destination throttles. */
export async function runSoak(plan: SoakPlan, onSample: (sample: Sample) => void): Promise<SoakReport> {
  const { seconds, eventsPerSecond, sampleMs, outage } = plan
  const eventsPerWrite = Math.max(1, Math.round(eventsPerSecond / streams.length / WRITES_PER_SECOND))
  const eventsPerStream =
    Math.ceil((eventsPerSecond * seconds) / streams.length / eventsPerWrite) * eventsPerWrite
  const visits = Math.ceil((seconds * 1000) / sampleMs) * VISITORS_PER_SAMPLE
  const ofStreams = eventsPerStream * streams.length
  const tally = Tally.create(ofStreams + visits)
  const task: ReceiverTask = { tally: tally.buffers, outage, dead: false }
  const receiver = startThread('receiver-thread.ts', task)
  const [receiverPort]: number[] = await once(receiver, 'message')
  const url = `http://127.0.0.1:${receiverPort}/`
  const collector = await CollectorProcess.start({ sources, sinks: { out: { type: 'http', url } } }, [])
  const senders = streams.map(({ source, form, ...rest }, index) => {
    const stream: StreamPlan = {
      ...rest,
      port: collector.port(source),
      eventsPerWrite,
      firstIndex: index * eventsPerStream,
      events: eventsPerStream,
      eventsPerSecond: eventsPerSecond / streams.length,
    }
    return SendingThread.generate({ tally: tally.buffers, streams: [stream], form, malformedShare: 0 })
  })
  const faults: string[] = []
  try {
    const visitors = new Visitors(tally, ofStreams, visits)
    const samples = await sampled(plan, collector, visitors, faults, onSample)
    await allReceived(
      tally,
      () => senders.every(({ sent }) => sent !== null),
      ofStreams + visits - visitors.left,
    )
    const refused = senders.reduce((sum, { sent }) => sum + (sent?.refused ?? 0), 0)
    if (refused > 0) faults.push(`${refused} requests were refused`)
    faults.push(...(await accounts(collector, tally, ofStreams + visits - visitors.left)))
    return { events: ofStreams + visits - visitors.left, samples, faults }
  } finally {
    await Promise.all(senders.map((sender) => sender.stop()))
    await collector.stop()
    await receiver.terminate()
  }
}

/** While the load lasts. */
async function sampled(
  { seconds, sampleMs }: SoakPlan,
  collector: CollectorProcess,
  visitors: Visitors,
  faults: string[],
  onSample: (sample: Sample) => void,
): Promise<Sample[]> {
  const samples: Sample[] = []
  const startMs = monotonicMs()
  for (;;) {
    const passedMs = monotonicMs() - startMs
    if (passedMs >= seconds * 1000) return samples
    const nextMs = (Math.floor(passedMs / sampleMs) + 1) * sampleMs
    /* oxlint-disable no-await-in-loop -- one after another */
    await sleep(nextMs - passedMs)
    const sample = await takeSample(collector, nextMs / 1000)
    samples.push(sample)
    onSample(sample)
    if (visitors.left >= VISITORS_PER_SAMPLE) {
      const visits = [visitors.overTcp(collector.port('lines')), visitors.overHttp(collector.port('push'))]
      await Promise.all(visits).catch((error: unknown) => faults.push(`a visitor: ${String(error)}`))
    }
    /* oxlint-enable no-await-in-loop */
  }
}

/** Resolves when all that was sent has come, or nothing new comes any more. */
async function allReceived(tally: Tally, allSent: () => boolean, events: number): Promise<void> {
  let seen = -1
  let seenAtMs = monotonicMs()
  while (!(allSent() && tally.counts.unique === events) && monotonicMs() - seenAtMs < GIVE_UP_MS) {
    const { unique } = tally.counts
    if (unique > seen) seenAtMs = monotonicMs()
    seen = unique
    await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop -- it waits for others
  }
}

/** What came, by the numbers of the events, and what the collector says of it. */
async function accounts(collector: CollectorProcess, tally: Tally, events: number): Promise<string[]> {
  const { unique, duplicates, malformedPassed, foreign } = tally.counts
  const { ledger } = await collector.status()
  const { delivered } = ledger.sinks.out!
  const deliveredEvents = Object.values(delivered).reduce((sum, count) => sum + count, 0)
  const peakBytes = collector.usage().peakRssBytes
  const allowedBytes = collector.started.memory_limit_bytes + RUNTIME_BYTES
  const wrong = {
    [`${events - unique} events were lost`]: unique < events,
    [`${duplicates} events came twice`]: duplicates > 0,
    [`${malformedPassed + foreign} events came that nobody sent`]: malformedPassed + foreign > 0,
    [`the ledger does not balance: ${JSON.stringify(ledger.imbalances)}`]: !ledger.balanced,
    [`the ledger says ${deliveredEvents} were delivered, ${unique} came`]: deliveredEvents !== unique,
    [`${Math.round(peakBytes / MIB)} MiB were resident, of ${Math.round(allowedBytes / MIB)} allowed`]:
      peakBytes > allowedBytes,
  }
  return Object.keys(wrong).filter((what) => wrong[what])
}
