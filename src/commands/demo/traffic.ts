/** The pretend senders: half of the events over HTTP, half as lines over TCP, as `spillway send` would send them. */
import { HttpConnection } from '../send/http-connection.ts'
import { Pump } from '../send/pump.ts'
import { SyntheticSupply } from '../send/supply.ts'
import { Tally } from '../send/tally.ts'
import { TcpConnection } from '../send/tcp-connection.ts'
import { FIRST_NUMBER, makeMalformedTemplates, makeTemplates } from '../send/template.ts'
import { eventsDueBy, malformedShareAt } from './scenario.ts'
import type { Scenario } from './scenario.ts'

export interface TrafficOptions {
  readonly scenario: Scenario
  /** host:port of the sources. */
  readonly http: string
  readonly tcp: string
}

export interface TrafficReport {
  readonly sent: number
  readonly malformed: number
  /** Events that wait at the senders, because the collector can't take them yet. */
  readonly waiting: number
  /** POSTs answered 429 or 503, and sent again. */
  readonly resent: number
  /** Events of POSTs that were given up at a stop. */
  readonly unsent: number
  /** Events that were neither accepted nor rejected: a defect. */
  readonly refused: number
}

const HTTP_CONNECTIONS = 4
const TCP_CONNECTIONS = 2
const HTTP_BATCH_EVENTS = 250
const TCP_BATCH_EVENTS = 100
const STOP_GRACE_MS = 20_000
/**
 * The collector tells how long by what drained in the last ten seconds, most of which it has not had yet, or spent with a
 * SIEM that took nothing: nobody wants to watch that.
 */
const RETRY_AFTER_MS_MAX = 1500
const TEMPLATES = 1000
const MALFORMED_TEMPLATES = 64
/** Events over TCP have numbers of their own. */
const FIRST_NUMBER_TCP = 2 * FIRST_NUMBER

export class Traffic {
  readonly #tally = new Tally()
  readonly #pumps: readonly Pump[]
  readonly #stop = new AbortController()

  constructor({ scenario, http, tcp }: TrafficOptions) {
    const tally = this.#tally
    const { signal: stop } = this.#stop
    const startMs = performance.now()
    const supply = (firstNumber: number) =>
      new SyntheticSupply({
        format: 'json',
        templates: makeTemplates({ format: 'json', framing: 'newline', seed: firstNumber, count: TEMPLATES }),
        malformedTemplates: makeMalformedTemplates({
          framing: 'newline',
          seed: 1,
          count: MALFORMED_TEMPLATES,
        }),
        malformedShare: () => malformedShareAt(scenario, performance.now() - startMs),
        firstNumber,
        wallClock: () => Date.now(),
      })
    const url = new URL(`http://${http}/`)
    const headers = { 'content-type': 'application/x-ndjson' }
    const [host, port] = [tcp.slice(0, tcp.lastIndexOf(':')), Number(tcp.slice(tcp.lastIndexOf(':') + 1))]
    const common = {
      eventsMax: Math.floor(eventsDueBy(scenario, scenario.durationMs) / 2),
      dueBy: (elapsedMs: number) => eventsDueBy(scenario, elapsedMs) / 2,
      // What could not be sent in time is sent later: the senders lose nothing either.
      durationMs: Infinity,
      tally,
      stop,
      // What the collector has begun to take is waited for, else nobody could say which events were sent.
      graceMs: STOP_GRACE_MS,
      end: new AbortController().signal,
    }
    this.#pumps = [
      new Pump({
        ...common,
        supply: supply(FIRST_NUMBER),
        connections: times(
          HTTP_CONNECTIONS,
          () =>
            new HttpConnection({
              url,
              headers,
              gzip: false,
              tally,
              stop,
              retryAfterMsMax: RETRY_AFTER_MS_MAX,
            }),
        ),
        batchEventsMax: HTTP_BATCH_EVENTS,
      }),
      new Pump({
        ...common,
        supply: supply(FIRST_NUMBER_TCP),
        connections: times(
          TCP_CONNECTIONS,
          () => new TcpConnection({ to: `tcp://${tcp}`, host, port, tally }),
        ),
        batchEventsMax: TCP_BATCH_EVENTS,
      }),
    ]
  }

  /** Resolves when everything was sent, and the collector has read it. */
  async run(): Promise<void> {
    await Promise.all(this.#pumps.map((pump) => pump.run()))
  }

  /** Sends nothing new. */
  stop(): void {
    this.#stop.abort()
  }

  get report(): TrafficReport {
    const { sent, malformed, resent, unsent, refused } = this.#tally
    const waiting = this.#stop.signal.aborted ? 0 : this.#pumps.reduce((sum, { behind }) => sum + behind, 0)
    return { sent, malformed, resent, unsent, refused, waiting }
  }
}

function times<Value>(count: number, make: () => Value): Value[] {
  return Array.from({ length: count }, make)
}
