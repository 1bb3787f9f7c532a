import type { Registry } from 'prom-client'
import type { DispatcherStatus } from '../../pipeline/dispatch/dispatcher-options.ts'
import type { EventLagStatus, Spread } from '../../pipeline/intake/event-lag.ts'
import { computedCounter, computedGauge } from '../../telemetry/computed-metric.ts'
import type { Add } from '../../telemetry/computed-metric.ts'
import type { Observed } from './observed.ts'

const BREAKER_STATES = { closed: 0, half_open: 1, open: 2 }

/** How delivery is controlled, and what a correlation window has to cover, as metrics, read at every scrape. */
export function exportDelivery(registry: Registry, observed: Observed): void {
  const gauge = (name: string, help: string, labelNames: readonly string[], compute: (add: Add) => void) =>
    void computedGauge(registry, { name: `spillway_${name}`, help, labelNames }, compute)
  const counter = (name: string, help: string, labelNames: readonly string[], compute: (add: Add) => void) =>
    void computedCounter(registry, { name: `spillway_${name}`, help, labelNames }, compute)
  const sinks = (value: (status: DispatcherStatus) => number) => (add: Add) => {
    for (const [sink, status] of Object.entries(observed.sinks())) add({ sink }, value(status))
  }
  const sources = (value: (status: EventLagStatus) => number) => (add: Add) => {
    for (const [source, status] of Object.entries(observed.eventLag())) add({ source }, value(status))
  }

  gauge(
    'breaker_state',
    'Breaker of a sink: 0 closed, 1 half-open, 2 open',
    ['sink'],
    sinks(({ breaker }) => BREAKER_STATES[breaker.state]),
  )
  gauge(
    'breaker_next_probe_seconds',
    'How long until the next probe while the breaker is open; 0 while it is not, or a probe is under way',
    ['sink'],
    sinks(({ breaker }) => breaker.nextProbeMs / 1000),
  )
  gauge(
    'sink_waiting_for_operator',
    'Whether nothing but probes is sent until the operator has acted: 1 or 0',
    ['sink'],
    sinks(({ waitingForOperator }) => (waitingForOperator === null ? 0 : 1)),
  )
  gauge(
    'sink_concurrency',
    'Requests that may be in flight at once',
    ['sink'],
    sinks(({ concurrency }) => concurrency.allowed),
  )
  gauge(
    'sink_paused_for_seconds',
    'How much longer the destination asked to be left alone',
    ['sink'],
    sinks(({ pausedForMs }) => pausedForMs / 1000),
  )
  gauge(
    'limiter_waiting_keys',
    'Keys that wait for their own rate limit',
    ['sink'],
    sinks(({ limits }) => limits?.waitingKeys ?? 0),
  )
  gauge(
    'oldest_held_seconds',
    'Age of the oldest event held for a sink, in memory or in the journal; 0: none is held',
    ['sink', 'lane'],
    (add) => {
      for (const [sink, { oldestMs }] of Object.entries(observed.sinks())) {
        add({ sink, lane: 'bulk' }, oldestMs.bulk / 1000)
        add({ sink, lane: 'fast' }, oldestMs.fast / 1000)
      }
    },
  )
  counter(
    'out_of_order_events_total',
    'Events delivered behind a later one of their source, at most',
    ['sink'],
    (add) => {
      for (const { name, outOfOrder } of observed.ledger.sinks) add({ sink: name }, outOfOrder)
    },
  )

  const quantiles = (spread: (status: EventLagStatus) => Spread) => (add: Add) => {
    for (const [source, status] of Object.entries(observed.eventLag())) {
      if (status.lastMinute.events === 0) continue
      const { p50, p99, max } = spread(status)
      add({ source, quantile: '0.5' }, p50 / 1000)
      add({ source, quantile: '0.99' }, p99 / 1000)
      add({ source, quantile: '1' }, max / 1000)
    }
  }
  gauge(
    'event_lag_seconds',
    'Time from an event to its reception, by its own clock, over the last minute; absent without events',
    ['source', 'quantile'],
    quantiles(({ lastMinute }) => lastMinute.lagMs),
  )
  gauge(
    'event_skew_seconds',
    'How far an event lies behind the newest of its source before it, by their own clocks, over the last minute',
    ['source', 'quantile'],
    quantiles(({ lastMinute }) => lastMinute.skewMs),
  )
  counter(
    'untimed_events_total',
    'Events without a time of their own, in neither lag nor skew',
    ['source'],
    sources(({ untimed }) => untimed),
  )
  counter(
    'ahead_events_total',
    'Events with a time of more than a second after their reception, in neither lag nor skew',
    ['source'],
    sources(({ ahead }) => ahead),
  )
}
