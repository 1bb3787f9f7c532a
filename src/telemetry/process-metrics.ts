import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Registry } from 'prom-client'
import { observeGc } from '../memory/gc-pauses.ts'
import type { GcPauses } from '../memory/gc-pauses.ts'
import { computedCounter, computedGauge } from './computed-metric.ts'
import { GcHistogram } from './gc-histogram.ts'

/** How often the event loop is asked whether it is late: a timer that costs an idle process next to nothing. */
const DELAY_RESOLUTION_MS = 50

/**
 * What the process itself shows: memory, CPU, handles, pauses for garbage collection, and the event-loop delay of the main
 * thread. Observes
 * until `stop()`, which may be called twice.
 */
export class ProcessMetrics {
  readonly #unobserveGc: () => void
  readonly #loopDelay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })

  /** The workers count their pauses themselves. */
  constructor(registry: Registry, pauses: GcPauses) {
    new GcHistogram(registry, pauses) // oxlint-disable-line no-new -- the registry has it
    this.#unobserveGc = observeGc(pauses, 'main')
    this.#loopDelay.enable()
    this.#exportLoopDelay(registry)
    exportUsage(registry)
  }

  stop(): void {
    this.#unobserveGc()
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
  exportHeap(registry)
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

/** What tells a leak of the main thread from one outside its heap. */
function exportHeap(registry: Registry): void {
  const gauge = (name: string, help: string, value: () => number) =>
    computedGauge(registry, { name, help }, (add) => add({}, value()))
  gauge('nodejs_heap_size_used_bytes', 'Heap of the main thread, what has died since among it', () => {
    return process.memoryUsage().heapUsed
  })
  gauge(
    'nodejs_external_memory_bytes',
    'Memory outside the heap that objects of the main thread hold',
    () => {
      return process.memoryUsage().external
    },
  )
  gauge(
    'nodejs_active_resources',
    'Handles, requests and timers that keep the event loop of the main thread going',
    () => {
      return process.getActiveResourcesInfo().length
    },
  )
}
