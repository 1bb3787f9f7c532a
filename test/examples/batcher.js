import { createCollector } from 'spillway'

const collector = createCollector({
  sources: { app: { type: 'embedded' } },
  sinks: { siem: { type: 'http', url: '${SIEM_URL}', batch: { max_events: 500, max_age: '1s' } } },
})
await collector.start()

for (let n = 0; n < 1000; n++) {
  const event = {
    timestamp: new Date().toISOString(),
    source_ip: '192.0.2.7',
    event_type: 'login_failed',
    severity: 8,
    attempt: n,
  }
  // false: there is no room. An event that must not wait could be given up, and counted, here.
  while (!collector.enqueue('app', event)) await collector.whenRoom('app')
}

await collector.stop()
const { delivered, deadLettered } = collector.stats().sinks.siem
process.stdout.write(`${delivered} delivered, ${deadLettered} dead-lettered\n`)
