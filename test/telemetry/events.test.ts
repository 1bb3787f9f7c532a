import { Registry } from 'prom-client'
import t from 'tap'
import type { DeadLetterEvents } from '../../src/dlq/queue-options.ts'
import type { JournalWriterEvents } from '../../src/journal/writer.ts'
import type { DispatchEvents } from '../../src/pipeline/dispatch/dispatch-events.ts'
import type { SchedulerEvents } from '../../src/pipeline/intake/scheduler.ts'
import type { SourceEvents } from '../../src/pipeline/source.ts'
import { TelemetryEvents } from '../../src/telemetry/events.ts'
import { RateLimitedLog } from '../../src/telemetry/rate-limited-log.ts'
import { ManualClock } from '../dlq/fixtures/manual-clock.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

function makeEvents() {
  const clock = new ManualClock()
  const registry = new Registry()
  const { logger, lines } = recordingLogger()
  const log = new RateLimitedLog({ logger, clock })
  const events = new TelemetryEvents({ registry, log, clock })
  const metric = async (line: string) => (await registry.metrics()).split('\n').includes(line)
  return { clock, lines, events, metric }
}

t.test('the parts of the pipeline can be given them as they are', async (t) => {
  const { events } = makeEvents()
  const forAll: SourceEvents & SchedulerEvents & DeadLetterEvents & DispatchEvents & JournalWriterEvents =
    events
  t.ok(forAll)
})

t.test('a pause counts once, and its time while it lasts', async (t) => {
  const { clock, lines, events, metric } = makeEvents()
  events.sourcePaused('push', 'arena_full')
  events.sourcePaused('push', 'arena_full')
  clock.advance(1500)
  t.ok(await metric('spillway_backpressure_total{source="push"} 1'))
  t.ok(await metric('spillway_backpressure_seconds_total{source="push"} 1.5'))
  events.sourceResumed('push')
  events.sourceResumed('push')
  clock.advance(5000)
  t.ok(await metric('spillway_backpressure_seconds_total{source="push"} 1.5'))
  events.sourcePaused('push', 'over_share')
  clock.advance(500)
  t.ok(await metric('spillway_backpressure_total{source="push"} 2'))
  t.ok(await metric('spillway_backpressure_seconds_total{source="push"} 2'))
  t.match(lines, [
    { level: 'warn', event: 'source_paused', component: 'push', reason: 'arena_full' },
    { level: 'info', event: 'source_resumed', paused_ms: 1500 },
  ])
})

t.test('every event writes a line of its level, and bumps its counter', async (t) => {
  const { clock, lines, events, metric } = makeEvents()
  const calls: [level: string, call: () => void, metricLine?: string][] = [
    ['warn', () => events.recordsRejected('push', 3, { category: 'malformed_json', path: '/a' })],
    ['warn', () => events.recordsRejected('lines', 3)],
    [
      'warn',
      () => events.connectionRefused('push', '10.0.0.9:1', 'limit'),
      'spillway_refused_connections_total{source="push",reason="limit"} 1',
    ],
    [
      'warn',
      () => events.requestRefused('push', '10.0.0.9:1', 429, 'over its share'),
      'spillway_refused_requests_total{source="push",status="429"} 1',
    ],
    ['warn', () => events.kernelReadMissing('push')],
    ['warn', () => events.receptionStopMissing('net')],
    ['info', () => events.receiveBufferGranted('net', 4096, 4096)],
    ['warn', () => events.receiveBufferGranted('net', 4096, 2048)],
    ['warn', () => events.receiveFailed('net', 'ENOMEM')],
    ['warn', () => events.kernelDropped('net', 1, 3)],
    ['warn', () => events.datagramsDiscarded('net', 1, 3)],
    ['warn', () => events.datagramsUnread('net', 4096)],
    ['warn', () => events.workerDied('heap'), 'spillway_worker_deaths_total 1'],
    ['error', () => events.recordKilledWorker('push')],
    ['error', () => events.workersUnavailable('no memory')],
    ['info', () => events.workersRecovered()],
    [
      'error',
      () => events.scannerCrossChecked('push', 10, 1),
      'spillway_cross_checks_total{result="differ"} 1',
    ],
    ['error', () => events.deadLetterDiskFailing('ENOSPC', 100), 'spillway_dlq_disk_failures_total 1'],
    ['info', () => events.deadLetterDiskRecovered(12.3)],
    ['error', () => events.deadLettersEvicted('push', 5, 500)],
    ['warn', () => events.deadLetterTorn('push.00000001.ndjson', 5)],
    ['error', () => events.journalDiskFailing('EIO', 100), 'spillway_journal_disk_failures_total 1'],
    ['info', () => events.journalDiskRecovered(12.3)],
    ['error', () => events.journalRemovalFailing('EROFS')],
    ['info', () => events.shutdownStarted('SIGTERM')],
    ['info', () => events.shutdownDone(5, 0, 0)],
    ['error', () => events.ledgerImbalanced([{ where: 'source push' }])],
    ['warn', () => events.sinkRetry('siem', 'throttled', 'slow down', 12.7, 429)],
    ['error', () => events.sinkHeld('siem', 'unauthorized', 401)],
    ['info', () => events.sinkResumed('siem', 1000)],
    ['error', () => events.batchRefused('siem', 9, 'bad mapping', 400)],
    ['warn', () => events.eventsDeadLettered('siem', 'refused', 1, 'bad mapping')],
    ['error', () => events.sheddingBegan(3, 0.82)],
    ['info', () => events.sheddingEnded()],
    ['warn', () => events.sinkTaskFailed('siem', new Error('worker gone'))],
    [
      'warn',
      () => events.batchSplit('siem', 100, 'bad mapping', 400),
      'spillway_batches_split_total{sink="siem"} 1',
    ],
    ['warn', () => events.limiterKeysFull('siem', 10_000)],
    ['error', () => events.limitsStoreFailing('EIO')],
    ['warn', () => events.compressionRefused('siem', 'status 415')],
    ['warn', () => events.bodyLimitLearned('siem', 1_000_000)],
    ['info', () => events.workersScaled(1, 2, 'rings fill')],
    ['info', () => events.pollConcurrencyChanged('pull', 4, 2, 'rings fill')],
  ]
  for (const [level, call, metricLine] of calls) {
    const before = lines.length
    call()
    t.equal(lines.length, before + 1, call.toString())
    t.equal(lines.at(-1)!['level'], level, call.toString())
    if (metricLine !== undefined) t.ok(await metric(metricLine), metricLine)
  }
  clock.advance(60_000)
  events.shutdownDone(5, 2, 0)
  t.match(lines.at(-1), { level: 'warn', delivered_while_stopping: 5, undelivered: 2 })
})

t.test('what is in order writes nothing', async (t) => {
  const { lines, events, metric } = makeEvents()
  events.scannerCrossChecked('push', 10, 0)
  events.sinkRequest('siem', 'ok')
  events.concurrencyChanged('siem', 5)
  t.ok(await metric('spillway_cross_checks_total{result="same"} 10'))
  t.ok(await metric('spillway_sink_requests_total{sink="siem",outcome="ok"} 1'))
  t.strictSame(lines, [])
})

t.test('latency counts events, by lane', async (t) => {
  const { events, metric } = makeEvents()
  events.eventsDelivered('siem', 500, 1, 40)
  events.eventsDelivered('siem', 3, 0, 50)
  events.eventsDelivered('siem', 2, 0, 5_000_000)
  const bulk = 'sink="siem",lane="bulk"'
  t.ok(await metric(`spillway_event_latency_seconds_bucket{${bulk},le="0.025"} 0`))
  t.ok(await metric(`spillway_event_latency_seconds_bucket{${bulk},le="0.05"} 503`))
  t.ok(await metric(`spillway_event_latency_seconds_bucket{${bulk},le="3600"} 503`))
  t.ok(await metric(`spillway_event_latency_seconds_bucket{${bulk},le="+Inf"} 505`))
  t.ok(await metric(`spillway_event_latency_seconds_count{${bulk}} 505`))
  t.ok(await metric(`spillway_event_latency_seconds_sum{${bulk}} 10020.15`))
  t.ok(await metric('spillway_event_latency_seconds_count{sink="siem",lane="fast"} 1'))
})

t.test('an outage lasts from the first opening to the closing, through all probes', async (t) => {
  const { clock, lines, events } = makeEvents()
  events.breakerChanged('siem', 'open', 'connect ECONNREFUSED', 1000.4)
  clock.advance(1000)
  events.breakerChanged('siem', 'half_open', 'connect ECONNREFUSED', 0)
  events.breakerChanged('siem', 'open', 'status 503', 2000)
  clock.advance(11_000)
  events.breakerChanged('siem', 'half_open', 'status 503', 0)
  events.breakerChanged('siem', 'closed', 'status 200', 0)
  events.breakerChanged('other', 'closed', 'status 200', 0)
  t.match(lines, [
    { level: 'warn', event: 'breaker_open', cause: 'connect ECONNREFUSED', probe_in_ms: 1000 },
    { level: 'info', event: 'breaker_half_open' },
    { level: 'warn', event: 'breaker_open', cause: 'status 503', probe_in_ms: 2000 },
    { level: 'info', event: 'breaker_half_open' },
    { level: 'info', event: 'breaker_closed', component: 'siem', outage_ms: 12_000 },
    { level: 'info', event: 'breaker_closed', component: 'other', outage_ms: 0 },
  ])
})

t.test('time waited counts as it goes by, and once where waits overlap', async (t) => {
  const { clock, lines, events, metric } = makeEvents()
  events.sinkPaused('siem', 30_000, 'Retry-After: 30', 429)
  t.ok(await metric('spillway_sink_pause_seconds_total{sink="siem"} 0'))
  clock.advance(10_000)
  events.sinkPaused('siem', 5000, 'Retry-After: 5', 503)
  events.sinkPaused('siem', 30_000, 'Retry-After: 30', 429)
  t.ok(await metric('spillway_sink_pause_seconds_total{sink="siem"} 10'))
  clock.advance(60_000)
  t.ok(await metric('spillway_sink_pause_seconds_total{sink="siem"} 40'))
  t.match(lines[0], { level: 'info', event: 'sink_paused', status: 429, pause_ms: 30_000 })
  const written = lines.length
  events.rateLimited('siem', 100)
  events.rateLimited('siem', 100)
  clock.advance(500)
  t.ok(await metric('spillway_sink_rate_limited_seconds_total{sink="siem"} 0.1'))
  t.equal(lines.length, written, 'the own limit is nothing to tell of')
})

t.test('items are counted by outcome', async (t) => {
  const { events, metric } = makeEvents()
  events.itemsSettled('es', 90, 7, 3)
  t.ok(await metric('spillway_sink_items_total{sink="es",outcome="delivered"} 90'))
  t.ok(await metric('spillway_sink_items_total{sink="es",outcome="retried"} 7'))
  t.ok(await metric('spillway_sink_items_total{sink="es",outcome="rejected"} 3'))
})
