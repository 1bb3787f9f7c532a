import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { GIB, KIB, MIB } from '../../../src/base/units.ts'
import { diskBytesPerEvent, estimateRate, reservesOf, rounded } from '../../../src/commands/bench/estimate.ts'
import { baseConfig, recommend } from '../../../src/commands/bench/recommend.ts'
import type { Findings } from '../../../src/commands/bench/recommend.ts'
import { madeSample } from '../../../src/commands/bench/sample-events.ts'
import { compileOracle } from '../../../src/schema/oracle.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'

function commits(p99Ms: number, megabytesPerSecond: number) {
  const times = { commits: 100, p50_ms: 1, p99_ms: p99Ms, max_ms: 2 * p99Ms }
  return [{ ...times, group_bytes: 4 * MIB, megabytes_per_second: megabytesPerSecond }]
}

/** CPU seconds per million. */
const by_thread = { main: 0.5, workers: 1, pool: 0.1, v8: 0.1 }
const eventBytes = 384

function rateOn(cores: number, megabytesPerSecond = 1e6) {
  const disk = { commits: commits(10, megabytesPerSecond) }
  return estimateRate({ host: { cores }, disk, rehearsal: { by_thread }, eventBytes })
}

t.test('what runs out first bounds the rate', async (t) => {
  const one = rateOn(1)
  t.match(one, { workers: 1, bound_by: 'cores' })
  t.equal(Math.round(one.highest_events_per_second), Math.round(1e6 / 1.7))
  t.match(rateOn(2), { workers: 1, bound_by: 'workers', highest_events_per_second: 1e6 })
  const many = rateOn(32)
  t.match(many, { workers: 2, bound_by: 'workers', highest_events_per_second: 2e6 })
  t.equal(many.sustainable_events_per_second, 1.4e6)
  const slowDisk = rateOn(32, 40)
  t.match(slowDisk, { workers: 1, bound_by: 'disk' })
  t.equal(Math.round(slowDisk.highest_events_per_second), 1e5, '40 MB/s of 400 bytes')
  const half = rateOn(0.5)
  t.match(half, { workers: 1, bound_by: 'cores' }, 'a quota of half a CPU')
  const noDisk = estimateRate({ host: { cores: 2 }, disk: null, rehearsal: { by_thread }, eventBytes })
  t.notOk(noDisk.bounds.some(({ what }) => what === 'disk'))
})

t.test('how long a reserve lasts', async (t) => {
  const rate = { highest_events_per_second: 200_000, sustainable_events_per_second: 140_000 }
  const journalBytes = 4e9
  const reserves = reservesOf({ rate, journalBytes, sharedArenaBytes: 4e7, eventBytes })
  t.same(
    reserves.map(({ everyday_events_per_second: everyday }) => everyday),
    [1000, 10_000, 20_000, 50_000, 140_000],
  )
  t.match(reserves[1], {
    dead_receiver_s: 4e9 / (10_000 * 400),
    spike_s: 4e9 / (90_000 * 400),
    spike_taken_events_per_second: 100_000,
    caught_up_s: 1e7 / 190_000,
    dead_receiver_in_memory_s: 10,
  })
  t.match(reserves[3], { spike_taken_events_per_second: 200_000, spike_s: 4e9 / (150_000 * 400) })
  t.equal(diskBytesPerEvent(eventBytes), 400)
  t.same([rounded(61_327), rounded(9), rounded(123)], [61_000, 9, 120])
})

const findings: Findings = {
  rate: rateOn(8),
  commits: commits(10, 1000),
  freeBytes: 100 * GIB,
  memoryBytes: 64 * GIB,
  openFiles: 1_000_000,
  nodes: 1,
  eventBytes,
  dataDir: null,
}

t.test('the embedded default, for this host', async (t) => {
  const { text, config, warnings } = recommend(baseConfig(undefined), findings)
  t.same(config.workers, { min: 2, max: 2 })
  t.equal(config.journal.maxBytes, 50 * GIB)
  t.equal(config.memory.arenaBytes, 64 * MIB, 'the default is enough')
  t.match(text, /workers: 2 # .*\n/)
  t.match(text, /max_bytes: 50GiB # half of the 100\.0 GiB that are free/)
  t.same(warnings, [])
})

t.test('threads are bound where there is more than one node, unless they are already', async (t) => {
  const far = { ...findings, nodes: 2 }
  t.equal(recommend(baseConfig(undefined), findings).config.cpuPinning, 'off')
  t.equal(recommend(baseConfig(undefined), far).config.cpuPinning, 'auto')
  const file = join(temporaryDirectory(t), 'c.yaml')
  writeFileSync(
    file,
    `cpu_pinning: auto # ours\nsources: { a: { type: embedded } }\nsinks: { b: { type: blackhole } }\n`,
  )
  t.ok(recommend(baseConfig(file), far).text.startsWith(`cpu_pinning: auto # ours\n`))
})

t.test('a slow disk asks for memory, as far as there is some', async (t) => {
  const slow = { ...findings, commits: commits(200, 1000) }
  // 2 x 2 M events/s x 400 B x 0.2 s, and the reserves
  t.equal(recommend(baseConfig(undefined), slow).config.memory.arenaBytes, 512 * MIB)
  const small = recommend(baseConfig(undefined), { ...slow, memoryBytes: 700 * MIB })
  t.equal(small.config.memory.arenaBytes, 128 * MIB)
  t.match(small.warnings[0], /it may take \d+ MiB, and there are 700 MiB of memory/)
})

t.test('what a user wrote stays, but for what the host decides', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'c.yaml')
  writeFileSync(
    file,
    `# the night shift's
workers: { min: 1, max: 3 } # as it was
journal: { mode: memory }
sources:
  a: { type: tcp, listen: 127.0.0.1:0 } # from the edge
  b: { type: http, listen: 127.0.0.1:0, max_connections: 20 }
  c: { type: syslog, listen: 127.0.0.1:0, transport: udp }
sinks: { out: { type: http, url: 'http://127.0.0.1:1/', request: { concurrency: 4 } } }
`,
  )
  const { text, config } = recommend(baseConfig(file), { ...findings, openFiles: 1024, dataDir: directory })
  t.match(text, /^# the night shift's\n/)
  t.match(text, /# from the edge/)
  t.equal(config.dataDir, directory)
  t.match(
    config.journal,
    { mode: 'memory', maxBytes: 10 * GIB },
    "without a journal, its size is nobody's business",
  )
  t.match(
    text,
    /max_connections: 446 # 1024 files may be open \(ulimit -n\): 132 for the rest, the others shared/,
  )
  t.same(
    config.sources.map((source) => ('maxConnections' in source ? source.maxConnections : null)),
    [446, 20, 5000],
    'datagrams come without connections',
  )
})

t.test('nothing is said where nothing was measured', async (t) => {
  const nothing = { ...findings, rate: null, commits: [], freeBytes: null, openFiles: null }
  const { text } = recommend(baseConfig(undefined), nothing)
  t.equal(text, baseConfig(undefined).text)
})

t.test('made events have the size that was asked for, and the schema takes them', async (t) => {
  const { check } = compileOracle(builtinSpecs.soc.schema)
  for (const bytes of [192, 375, 4 * KIB, 256 * KIB]) {
    const sample = madeSample(bytes)
    const lines = Buffer.from(sample.bytes).toString().trimEnd().split('\n')
    t.equal(lines.length, sample.events)
    t.ok(Math.abs(sample.meanBytes - bytes) < bytes / 4, `${sample.meanBytes} for ${bytes}`)
    t.ok(lines.every((line) => check(JSON.parse(line))))
  }
})
