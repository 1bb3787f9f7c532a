import { PerformanceObserver, constants, monitorEventLoopDelay } from 'node:perf_hooks'
import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { computedCounter, computedGauge } from './computed-metric.ts'

const GC_BUCKETS_S = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5]
/** How often the event loop is asked whether it is late: a timer that costs an idle process next to nothing. */
const DELAY_RESOLUTION_MS = 50

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak_callbacks'],
])

/**
 * What the process itself shows: memory, CPU, and for the main thread garbage collection and event-loop delay. Observes
 * until `stop()`, which may be called twice.
 */
export class ProcessMetrics {
  readonly #gcObserver: PerformanceObserver
  readonly #loopDelay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })

  constructor(registry: Registry) {
    const pauses = new Histogram({
      name: 'spillway_gc_pause_seconds',
      help: 'Pauses of the main thread for garbage collection',
      labelNames: ['kind'],
      buckets: GC_BUCKETS_S,
      registers: [registry],
    })
    this.#gcObserver = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        pauses.observe({ kind: GC_KINDS.get(kindOf(entry)) ?? 'other' }, entry.duration / 1000)
      }
    })
    this.#gcObserver.observe({ entryTypes: ['gc'] })
    this.#loopDelay.enable()
    this.#exportLoopDelay(registry)
    exportUsage(registry)
  }

  stop(): void {
    this.#gcObserver.disconnect()
    this.#loopDelay.disable()
  }

  #exportLoopDelay(registry: Registry): void {
    const metric = {
      name: 'spillway_event_loop_delay_seconds',
      help: 'Delay of the main thread since the scrape before: p50, p99 and the longest',
      labelNames: ['stat'],
    }
    computedGauge(registry, metric, (add) => {
      const delay = this.#loopDelay
      // Nothing measured yet shows as 0; what is measured includes the timer's own interval.
      const seconds = (nanoseconds: number) =>
        delay.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - DELAY_RESOLUTION_MS / 1000)
      add({ stat: 'p50' }, seconds(delay.percentile(50)))
      add({ stat: 'p99' }, seconds(delay.percentile(99)))
      add({ stat: 'max' }, seconds(delay.max))
      delay.reset()
    })
  }
}

/** Under the names that Prometheus uses for every process. */
function exportUsage(registry: Registry): void {
  const startedAtS = Date.now() / 1000 - process.uptime()
  computedGauge(
    registry,
    { name: 'process_resident_memory_bytes', help: 'Resident memory of the process, all threads' },
    (add) => add({}, process.memoryUsage.rss()),
  )
  computedGauge(
    registry,
    { name: 'process_start_time_seconds', help: 'When the process began, in seconds since 1970' },
    (add) => add({}, startedAtS),
  )
  computedCounter(
    registry,
    { name: 'process_cpu_seconds_total', help: 'CPU time of the process, all threads' },
    (add) => {
      const { user, system } = process.cpuUsage()
      add({}, (user + system) / 1e6)
    },
  )
}

/** The types of Node don't know that an entry of type gc has details. */
function kindOf(entry: object): number {
  const detail = 'detail' in entry ? entry.detail : undefined
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? Number(detail.kind) : 0
}
