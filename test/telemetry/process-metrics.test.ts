import { setTimeout } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { setFlagsFromString } from 'node:v8'
import { Registry } from 'prom-client'
import t from 'tap'
import { GcPauses } from '../../src/memory/gc-pauses.ts'
import { ProcessMetrics } from '../../src/telemetry/process-metrics.ts'

t.test('memory, CPU, garbage collection and event-loop delay', async (t) => {
  const registry = new Registry()
  const metrics = new ProcessMetrics(registry, GcPauses.create())
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let text = ''
  for (let attempt = 0; attempt < 100 && !text.includes('kind="major"'); attempt++) {
    collect()
    await setTimeout(20)
    text = await registry.metrics()
  }
  t.match(text, /^spillway_gc_pause_seconds_count\{thread="main",kind="major"\} [1-9]/m)
  t.match(text, /^process_resident_memory_bytes [1-9]\d{6}/m)
  t.match(text, /^process_cpu_seconds_total \d+\.\d/m)
  t.match(text, /^process_start_time_seconds 1\d{9}/m)
  t.match(text, /^spillway_event_loop_delay_seconds\{stat="p99"\} \d/m)
  t.match(text, /^spillway_gc_pause_seconds_bucket\{thread="main",kind="major",le="\+Inf"\} [1-9]/m)
  t.match(text, /^nodejs_heap_size_used_bytes [1-9]\d{6}/m)
  t.match(text, /^nodejs_external_memory_bytes [1-9]\d{4}/m)
  t.match(text, /^nodejs_active_resources \d/m)
  metrics.stop()
  metrics.stop()
})
