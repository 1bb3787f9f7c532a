import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

export interface MetricDescription {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly string[]
}

/** Takes one value of a metric; `labels` has one value for each of its label names. */
export type Add = (labels: Readonly<Record<string, string>>, value: number) => void

/** A counter that is computed at every scrape from counts kept elsewhere, so that it can't drift from them. */
export function computedCounter(
  registry: Registry,
  metric: MetricDescription,
  compute: (add: Add) => void,
): Counter {
  return new Counter({
    ...metric,
    labelNames: metric.labelNames ?? [],
    registers: [registry],
    collect() {
      this.reset()
      compute((labels, value) => this.inc({ ...labels }, value))
    },
  })
}

/** As `computedCounter`, for a value that may go down. */
export function computedGauge(
  registry: Registry,
  metric: MetricDescription,
  compute: (add: Add) => void,
): Gauge {
  return new Gauge({
    ...metric,
    labelNames: metric.labelNames ?? [],
    registers: [registry],
    collect() {
      this.reset()
      compute((labels, value) => this.set({ ...labels }, value))
    },
  })
}
