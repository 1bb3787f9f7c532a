/** From what was measured to a configuration: the user's own, or the embedded default, with what this host asks for. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { DEFAULT_CONFIG_NAME, defaultConfigText } from '../../app/config/default-config.ts'
import { loadConfig, parseConfig } from '../../app/config/load.ts'
import type { LoadedConfig } from '../../app/config/load.ts'
import { memorySum, RUNTIME_BYTES } from '../../app/config/memory-sum.ts'
import { reserves, slabCountMin } from '../../app/config/reserves.ts'
import type { ResolvedConfig } from '../../app/config/root.ts'
import { connectionsMax, openFilesWanted } from '../../app/open-files.ts'
import { formatBytes, GIB, MIB } from '../../base/units.ts'
import type { CommitTimes } from './disk.ts'
import { diskBytesPerEvent } from './estimate.ts'
import type { RateEstimate } from './estimate.ts'

/** Archives and dead letters need room too, and a full disk stops more than a full journal. */
const JOURNAL_SHARE_OF_FREE = 0.5
const JOURNAL_BYTES_MIN = 64 * MIB
const JOURNAL_BYTES_MAX = 1024 * GIB
const ARENA_BYTES_MIN = 64 * MIB
/** The largest power of two that `memory.arena_bytes` takes. */
const ARENA_BYTES_MAX = GIB
const ARENA_SHARE_OF_MEMORY = 0.25

/** What is recommended is put into this. */
export interface BaseConfig {
  readonly text: string
  readonly name: string
  /** Relative paths in it start there. */
  readonly directory: string
  readonly loaded: LoadedConfig
}

/** @throws SpillwayError as `loadConfig` does. */
export function baseConfig(file: string | undefined): BaseConfig {
  const loaded = loadConfig(file)
  if (file === undefined)
    return { text: defaultConfigText, name: DEFAULT_CONFIG_NAME, directory: process.cwd(), loaded }
  const path = resolve(file)
  return { text: readFileSync(path, 'utf8'), name: file, directory: dirname(path), loaded }
}

export interface Findings {
  readonly rate: RateEstimate | null
  readonly commits: readonly CommitTimes[]
  /** Where the journal will be; null: not known. */
  readonly freeBytes: number | null
  readonly memoryBytes: number
  readonly openFiles: number | null
  /** NUMA nodes that the process may use. */
  readonly nodes: number
  readonly eventBytes: number
  /** Replaces `data_dir`, where the user named another one. */
  readonly dataDir: string | null
}

export interface Recommendation {
  /** YAML; passes `spillway check`. */
  readonly text: string
  readonly config: ResolvedConfig
  /** What it takes at most, with the runtime. */
  readonly memoryBytes: number
  /** Of the arena, without the reserves. */
  readonly sharedArenaBytes: number
  readonly warnings: readonly string[]
}

/** A value of the configuration, and why it is this one. */
interface Change {
  readonly path: readonly string[]
  readonly value: string | number
  readonly because: string
}

/** @throws SpillwayError SPW_ERR_CONFIG_INVALID where the user's own values don't go with those of this host. */
export function recommend(base: BaseConfig, findings: Findings): Recommendation {
  const { config } = base.loaded
  const document = parseDocument(base.text)
  const changes = [
    ...dataDirChange(findings),
    ...workersChange(findings),
    ...pinningChange(config, findings),
    ...arenaChange(config, findings),
    ...journalChange(config, findings),
    ...connectionChanges(config, findings),
  ]
  for (const change of changes) apply(document, change)
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: true })
  const host = { env: process.env, cwd: base.directory, cores: findings.rate?.workers ?? 1 }
  const { config: checked } = parseConfig(text, base.name, base.directory, host)
  const memoryBytes = memorySum(checked).totalBytes + RUNTIME_BYTES
  const warnings =
    memoryBytes > findings.memoryBytes
      ? [`it may take ${mib(memoryBytes)}, and there are ${mib(findings.memoryBytes)} of memory`]
      : []
  return { text, config: checked, memoryBytes, sharedArenaBytes: sharedArenaBytes(checked), warnings }
}

function sharedArenaBytes(config: ResolvedConfig): number {
  const { slabBytes, arenaBytes } = config.memory
  return arenaBytes - reserves(config, config.workers.max) * slabBytes
}

function dataDirChange({ dataDir }: Findings): Change[] {
  return dataDir === null
    ? []
    : [{ path: ['data_dir'], value: dataDir, because: 'the disk that was measured' }]
}

function workersChange({ rate }: Findings): Change[] {
  if (rate === null) return []
  const others = rate.bounds.filter(({ what }) => what !== 'workers')
  const next = others.reduce((a, b) => (b.events_per_second < a.events_per_second ? b : a))
  const because = `${next.what === 'cores' ? 'the cores allow' : `the ${next.what} allows`} ${thousands(next.events_per_second)} events/s; ${rate.bounds[0]!.because}`
  return [{ path: ['workers'], value: rate.workers, because }]
}

/** Among equal cores of one node the scheduler does well; what is bound by the user stays so. */
function pinningChange({ cpuPinning }: ResolvedConfig, { nodes }: Findings): Change[] {
  if (nodes < 2 || cpuPinning !== 'off') return []
  const because = `${nodes} NUMA nodes: the arena lies in one of them`
  return [{ path: ['cpu_pinning'], value: 'auto', because }]
}

/** The reserves, and twice what comes in while the slowest commit in a hundred is under way: a source takes half at most. */
function arenaChange(config: ResolvedConfig, { rate, commits, memoryBytes, eventBytes }: Findings): Change[] {
  if (rate === null || commits.length === 0) return []
  const stallMs = Math.max(...commits.map(({ p99_ms: p99Ms }) => p99Ms))
  const { slabBytes } = config.memory
  const inflowBytes = (rate.highest_events_per_second * diskBytesPerEvent(eventBytes) * stallMs) / 1000
  const neededBytes = slabCountMin(config, rate.workers) * slabBytes + 2 * inflowBytes
  const shareBytes = powerOfTwo(memoryBytes * ARENA_SHARE_OF_MEMORY, Math.floor)
  const mostBytes = Math.min(ARENA_BYTES_MAX, Math.max(ARENA_BYTES_MIN, shareBytes))
  const arenaBytes = Math.min(mostBytes, Math.max(ARENA_BYTES_MIN, powerOfTwo(neededBytes, Math.ceil)))
  const because = `reserves ${mib(slabCountMin(config, rate.workers) * slabBytes)} + 2 x ${mib(inflowBytes)}, what comes in during a commit of ${stallMs.toFixed(1)} ms (p99)`
  return [{ path: ['memory', 'arena_bytes'], value: formatBytes(arenaBytes), because }]
}

function journalChange({ journal }: ResolvedConfig, { freeBytes }: Findings): Change[] {
  if (freeBytes === null || journal.mode === 'memory') return []
  const share = JOURNAL_SHARE_OF_FREE * freeBytes
  const unit = share >= GIB ? GIB : 64 * MIB
  const bytes = Math.min(JOURNAL_BYTES_MAX, Math.max(JOURNAL_BYTES_MIN, Math.floor(share / unit) * unit))
  const because = `half of the ${(freeBytes / GIB).toFixed(1)} GiB that are free`
  return [{ path: ['journal', 'max_bytes'], value: formatBytes(bytes), because }]
}

/** Each source that has more than its part of the files that may be open gets that part. */
function connectionChanges(config: ResolvedConfig, { openFiles }: Findings): Change[] {
  const wanted = openFilesWanted(config)
  if (openFiles === null || wanted <= openFiles) return []
  const adjustable = config.sources.filter(
    (source) => 'maxConnections' in source && connectionsMax(source) > 0,
  )
  const rest = wanted - adjustable.reduce((sum, source) => sum + connectionsMax(source), 0)
  const part = Math.max(1, Math.floor((openFiles - rest) / Math.max(1, adjustable.length)))
  const because = `${openFiles} files may be open (ulimit -n): ${rest} for the rest, the others shared`
  return adjustable
    .filter((source) => connectionsMax(source) > part)
    .map(({ name }) => ({ path: ['sources', name, 'max_connections'], value: part, because }))
}

/** What stood there goes; what stood around it, comments too, stays. */
function apply(document: Document, { path, value, because }: Change): void {
  const parent = path.slice(0, -1)
  if (parent.length > 0 && document.getIn(parent) === undefined)
    document.setIn(parent, document.createNode({}))
  const node = document.createNode(value)
  node.comment = ` ${because}`
  document.setIn(path, node)
}

function powerOfTwo(value: number, round: (exponent: number) => number): number {
  return 2 ** round(Math.log2(value))
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`
}

function thousands(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}
