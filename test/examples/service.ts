/** A service with events of its own and a TCP door for those of others, an archive, and urgent ones sent to a SIEM. */
import { once } from 'node:events'
import { createCollector, SpillwayError } from 'spillway'
import type { CollectorConfig, EmbeddedCollector } from 'spillway'

interface AuditEvent {
  readonly event_id: string
  readonly timestamp: number
  readonly source: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly severity: 'INFO' | 'CRITICAL'
}

const config: CollectorConfig = {
  data_dir: './data',
  shutdown_timeout: '10s',
  sources: {
    audit: { type: 'embedded', schema: 'log_event' },
    lines: { type: 'tcp', listen: '127.0.0.1:0' },
  },
  sinks: {
    archive: { type: 'file', path: './archive', batch: { max_age: '200ms' } },
    siem: {
      type: 'http',
      url: '${SIEM_URL}',
      where: { severity: { gte: 8 } },
      rate_limit: { requests_per_second: 100 },
    },
  },
}

class Audit {
  readonly #collector: EmbeddedCollector
  /** Events that there was no room for. */
  missed = 0

  constructor(collector: EmbeddedCollector) {
    this.#collector = collector
  }

  record(event: AuditEvent): void {
    if (!this.#collector.enqueue('audit', event)) this.missed++
  }
}

async function main(): Promise<void> {
  const collector = createCollector(config, { logger: 'error' })
  await collector.start()
  const audit = new Audit(collector)
  const now = Date.now() / 1000
  audit.record({
    event_id: '1',
    timestamp: now,
    source: 'service',
    payload: { user: 'ada' },
    severity: 'INFO',
  })
  audit.record({ event_id: '2', timestamp: now, source: 'service', payload: {}, severity: 'CRITICAL' })
  process.stdout.write(`lines: ${collector.address('lines')}\n`)

  // The library hears no signals: when to stop is the program's business.
  await once(process, 'SIGTERM')
  const { undelivered } = await collector.stop()
  const { balanced, sources, sinks } = collector.stats()
  const received = Object.values(sources).reduce((sum, source) => sum + source.received, 0)
  const report = { balanced, received, missed: audit.missed, undelivered, urgent: sinks.siem?.delivered }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof SpillwayError)) throw error
  process.stderr.write(`${error.code}: ${error.message}\n`)
  process.exitCode = error.exitCode
}
