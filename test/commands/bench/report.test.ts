import t from 'tap'
import { parse } from 'yaml'
import { parseConfig } from '../../../src/app/config/load.ts'
import { GIB, MIB } from '../../../src/base/units.ts'
import { estimateRate, reservesOf } from '../../../src/commands/bench/estimate.ts'
import type { Measurements } from '../../../src/commands/bench/measure.ts'
import { baseConfig, recommend } from '../../../src/commands/bench/recommend.ts'
import { reportJson, reportText } from '../../../src/commands/bench/report.ts'
import type { BenchReport } from '../../../src/commands/bench/report.ts'
import { madeSample } from '../../../src/commands/bench/sample-events.ts'

const measured: Measurements = {
  host: {
    cpu_model: 'A processor',
    kernel: '6.12',
    node: 'v24.0.0',
    cpus_allowed: '0-3',
    numa_nodes: 2,
    cores: 2.5,
    cpu_quota: 2.5,
    memory_bytes: 8 * GIB,
    memory_limited: true,
    open_files: 1024,
    clock_source: 'hpet',
    clock_read_ns: 900,
  },
  busyShare: 0.2,
  stolenShare: 0.1,
  disk: {
    free_bytes: 100 * GIB,
    in_memory: false,
    commits: [4096, MIB].map((bytes) => ({
      group_bytes: bytes,
      commits: 50,
      p50_ms: 0.25,
      p99_ms: 4,
      max_ms: 1200,
      megabytes_per_second: bytes / 4000,
    })),
  },
  loopback: { into_shared_memory: true, gigabytes_per_second: 2, gigabytes_per_cpu_second: null },
  scanner: { gigabytes_per_cpu_second: 0.8, events_per_cpu_second: 2e6, undecided_share: 0.5 },
  rehearsal: {
    seconds: 5,
    events: 1e6,
    events_per_second: 2e5,
    rejected_share: 0.001,
    workers: 1,
    cpu_s_per_million: 2,
    by_thread: { main: 0.5, workers: 1.2, pool: 0.2, v8: 0.1 },
    sound: false,
  },
  notMeasured: ['something: it could not'],
}

function reportOf(changes: Partial<Measurements> = {}): BenchReport {
  const all = { ...measured, ...changes }
  const { host, disk, rehearsal } = all
  const sample = madeSample(375)
  const eventBytes = sample.meanBytes
  const rate = rehearsal && estimateRate({ host, disk, rehearsal, eventBytes })
  const recommendation = recommend(baseConfig(undefined), {
    rate,
    commits: disk?.commits ?? [],
    freeBytes: disk && disk.free_bytes,
    memoryBytes: host.memory_bytes,
    openFiles: host.open_files,
    nodes: host.numa_nodes,
    eventBytes,
    dataDir: '/srv/spillway',
  })
  const { sharedArenaBytes } = recommendation
  const reserves = rate ? reservesOf({ rate, journalBytes: 50 * GIB, sharedArenaBytes, eventBytes }) : []
  return { directory: '/srv', sample, measured: all, rate, reserves, recommendation }
}

t.test('the text is a configuration, with the figures as comments', async (t) => {
  const text = reportText(reportOf())
  const { config } = parseConfig(text, 'printed', '/', { env: {}, cwd: '/', cores: 2 })
  t.equal(config.dataDir, '/srv/spillway')
  t.match(parse(text), { workers: 1, cpu_pinning: 'auto', journal: { max_bytes: '50GiB' } })
  for (const line of [
    '# cores      2.5 (CPUs 0-3, 2 NUMA nodes, quota of 2.5)',
    '# memory     8.00 GiB (limit of the cgroup), 1,024 open files',
    '#     4 KiB   0.25 ms      4 ms    1.20 s      1 MB/s  50 commits',
    '# loopback   2.00 GB/s into shared memory, - GB per CPU-second',
    '# warning: others used 20 % of all CPUs before it began: every figure is too low',
    '# warning: the hypervisor gave 10 % of the time to others',
    '# warning: 50 % of the events are decided on the slow path, or refused',
    '# warning: the schema refuses 0.1 % of the events',
    '# warning: the journal failed meanwhile, or the ledger did not balance',
    '# warning: reading the clock (hpet) takes 900 ns; tsc takes some 30',
    '# not measured: something: it could not',
  ])
    t.ok(text.split('\n').includes(line), line)
  t.match(text, /^# {3}main thread +2,000,000 events\/s = 1 \/ 0\.5 CPU-s per million$/m)
  t.match(text, /<- the least\n/)
})

t.test('what could not be measured is left out', async (t) => {
  const bare = reportOf({
    disk: null,
    rehearsal: null,
    busyShare: 0.9,
    loopback: { into_shared_memory: false, gigabytes_per_second: null, gigabytes_per_cpu_second: null },
  })
  const text = reportText(bare)
  t.notMatch(text, /sustainable|commits|dead receiver/)
  t.match(text, /measure again when they do not/)
  t.match(text, /TCP sources copy/)
  t.match(reportJson(bare), { rate: null, reserves: [], disk: null, rehearsal: null })
})
