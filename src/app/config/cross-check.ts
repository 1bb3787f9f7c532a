/** What no key is wrong about alone: components against each other and against the arena. */
import type { ListenAddress } from '../../base/config-keys.ts'
import { nearestWord } from '../../base/nearest.ts'
import { formatBytes } from '../../base/units.ts'
import { checkExposure } from '../../pipeline/config-checks.ts'
import { FILTERED_SINKS_MAX } from '../../pipeline/limits.ts'
import { declaresProperty } from '../../schema/spec.ts'
import type { SinkConfig } from '../../sinks/registry.ts'
import type { SourceConfig } from '../../sources/registry.ts'
import type { Path } from './problems.ts'
import { sinkShareBytes, slabCountMin, workersMax } from './reserves.ts'
import type { ReservingParts } from './reserves.ts'
import type { ResolvedConfig, ResolvedRoot } from './root.ts'

/** `found` is what stands at `path` unless it is given. */
export type PathReport = (path: Path, expected: string, found?: string, nearest?: string) => void

/** The names that a component refers to, as far as they could be read: also of one that is not sound. */
export interface References {
  readonly name: string
  /** Of a source. */
  readonly schema?: string
  /** Of a sink. */
  readonly inputs?: readonly string[]
}

/** The parts of a configuration that are sound in themselves, and the names of all that were written. */
export interface CheckedParts {
  readonly memory: ResolvedConfig['memory']
  readonly journal: ResolvedConfig['journal'] | undefined
  readonly admin: ResolvedConfig['admin'] | undefined
  readonly sources: readonly SourceConfig[]
  readonly sinks: readonly SinkConfig[]
  /** By name; those that could be loaded. */
  readonly schemas: ResolvedConfig['schemas']
  readonly references: { readonly sources: readonly References[]; readonly sinks: readonly References[] }
  readonly sourceNames: readonly string[]
  readonly schemaNames: readonly string[]
}

const PAGE_BYTES = 4096

export function crossCheck(parts: CheckedParts, report: PathReport): void {
  checkReferences(parts, report)
  checkJournal(parts, report)
  checkListeners(parts, report)
  checkArchives(parts.sinks, report)
  checkEventIdFields(parts, report)
  for (const { name } of parts.sources.filter(({ type }) => type === 'stdin').slice(1)) {
    report(['sources', name, 'type'], 'at most one source of type stdin', 'one more')
  }
  const filtered = parts.sinks.filter((sink) => sink.where !== undefined)
  for (const { name } of filtered.slice(FILTERED_SINKS_MAX)) {
    report(['sinks', name, 'where'], `at most ${FILTERED_SINKS_MAX} sinks with a filter`, 'one more')
  }
}

function checkReferences({ references, sourceNames, schemaNames }: CheckedParts, report: PathReport): void {
  for (const { name, schema } of references.sources) {
    if (schema === undefined || schemaNames.includes(schema)) continue
    const expected = `one of the schemas ${schemaNames.join(', ')}`
    report(['sources', name, 'schema'], expected, undefined, nearestWord(schema, schemaNames))
  }
  for (const { name, inputs = [] } of references.sinks) {
    for (const [index, input] of inputs.entries()) {
      const path = ['sinks', name, 'inputs', index]
      if (!sourceNames.includes(input)) {
        const expected = `one of the sources ${sourceNames.join(', ')}`
        report(path, expected, undefined, nearestWord(input, sourceNames))
      } else if (inputs.indexOf(input) < index) report(path, 'each source once')
    }
  }
}

/** Without a disk there is nothing to be stored on, and nothing that gets full before the arena does. */
function checkJournal({ journal, sources }: CheckedParts, report: PathReport): void {
  if (journal === undefined) return
  const { mode, whenFull, shed } = journal
  const isMemory = mode === 'memory'
  for (const { name, ack } of sources) {
    if (isMemory && ack === 'stored')
      report(['sources', name, 'ack'], 'accepted or delivered beside journal.mode: memory')
  }
  if (isMemory && whenFull === 'shed') report(['journal', 'when_full'], 'block beside mode: memory')
  if (whenFull === 'shed' && shed === undefined)
    report(['journal', 'shed'], 'a list of steps beside when_full: shed')
  if (whenFull === 'block' && shed !== undefined)
    report(['journal', 'shed'], 'when_full: shed beside it', 'none')
  for (const [index, step] of (shed ?? []).entries()) {
    const before = shed![index - 1]
    if (before === undefined) continue
    for (const key of ['above', 'severity_below'] as const) {
      const [value, lower] =
        key === 'above' ? [step.above, before.above] : [step.severityBelow, before.severityBelow]
      if (value <= lower) report(['journal', 'shed', index, key], 'more than in the step before')
    }
  }
}

function checkListeners({ sources, admin }: CheckedParts, report: PathReport): void {
  const listeners: { path: Path; listen: ListenAddress; udp: boolean }[] = []
  if (admin !== undefined && admin.listen !== null) {
    const { listen, insecure } = admin
    listeners.push({ path: ['admin', 'listen'], listen, udp: false })
    checkExposure({ listen, insecure }, 'insecure: true', (path, expected) =>
      report(['admin', ...path], expected),
    )
  }
  for (const source of sources) {
    if (!('listen' in source)) continue
    const { name, listen } = source
    const udp = source.type === 'syslog' && source.transport === 'udp'
    const clash = listeners.find((other) => other.udp === udp && sharesAddress(other.listen, listen))
    const path = ['sources', name, 'listen']
    if (clash !== undefined)
      report(path, `an address of its own, not that of ${clash.path.slice(0, -1).join('.')}`)
    listeners.push({ path, listen, udp })
  }
}

/** Port 0 is any free port; a wildcard takes the port on every address. */
function sharesAddress(left: ListenAddress, right: ListenAddress): boolean {
  if (left.port !== right.port || left.port === 0) return false
  return (
    left.host === right.host || [left.host, right.host].some((host) => host === '0.0.0.0' || host === '::')
  )
}

function checkArchives(sinks: readonly SinkConfig[], report: PathReport): void {
  const seen = new Map<string, string>()
  for (const sink of sinks) {
    if (sink.type !== 'file') continue
    const other = seen.get(sink.path)
    if (other !== undefined)
      report(['sinks', sink.name, 'path'], `a folder of its own, not that of sinks.${other}`)
    seen.set(sink.path, sink.name)
  }
}

/** An event has no room for its id where it may have that key itself. */
function checkEventIdFields({ sinks, sources, schemas }: CheckedParts, report: PathReport): void {
  for (const { name, eventIdField, inputs } of sinks) {
    if (eventIdField === null) continue
    const clash = sources.find((source) => {
      const spec = schemas[source.schema]
      return inputs.includes(source.name) && spec !== undefined && declaresProperty(spec.schema, eventIdField)
    })
    if (clash === undefined) continue
    const expected = `a key that no schema of its inputs declares; sources.${clash.name} has it in schema ${clash.schema}`
    report(['sinks', name, 'event_id_field'], expected)
  }
}

/** Checks the arena against its reserves and works out `workers: auto`; undefined where it can't hold them. */
export function resolveWorkers(
  memory: ResolvedConfig['memory'],
  parts: ReservingParts,
  configured: ResolvedRoot['workers'],
  cores: number,
  report: PathReport,
): ResolvedConfig['workers'] | undefined {
  const { slabBytes, arenaBytes } = memory
  if (slabBytes % PAGE_BYTES !== 0)
    report(['memory', 'slab_bytes'], `a multiple of ${formatBytes(PAGE_BYTES)}`)
  const most = workersMax(parts, Math.floor(arenaBytes / slabBytes))
  const leastBytes = (workers: number) => formatBytes(slabCountMin(parts, workers) * slabBytes)
  if (most < 1) {
    const expected = `at least ${leastBytes(1)}, for the reserves of all sources and sinks and one worker`
    report(['memory', 'arena_bytes'], expected)
    return undefined
  }
  if (configured === 'auto') return allWays(Math.max(1, Math.min(cores - 1, most)))
  const workers = typeof configured === 'number' ? allWays(configured) : configured
  // One of the two is wrong in itself.
  if (workers.min === undefined || workers.max === undefined) return undefined
  if (workers.min > workers.max) report(['workers', 'min'], 'at most workers.max')
  if (workers.max > most) {
    const path = configured === workers ? ['workers', 'max'] : ['workers']
    const expected = `at most ${most}, or a memory.arena_bytes of at least ${leastBytes(workers.max)}`
    report(path, expected, `${workers.max}`)
    return undefined
  }
  return workers
}

function allWays(workers: number): ResolvedConfig['workers'] {
  return { min: workers, max: workers }
}

/** What a sink has in flight stays within its share; one whose concurrency is adaptive keeps to that as it goes. */
export function checkShares(
  config: Pick<ResolvedConfig, 'memory' | 'sinks' | 'workers'> & ReservingParts,
  report: PathReport,
): void {
  const shareBytes = sinkShareBytes(config)
  for (const { name, request, batch } of config.sinks) {
    if (request.concurrency === 'adaptive') continue
    const inFlightBytes = request.concurrency * batch.maxBytes
    if (inFlightBytes <= shareBytes) continue
    const expected = `request.concurrency x batch.max_bytes of at most ${formatBytes(shareBytes)}, the sink's share of memory.arena_bytes`
    const found = `${request.concurrency} x ${formatBytes(batch.maxBytes)} = ${formatBytes(inFlightBytes)}`
    report(['sinks', name, 'request', 'concurrency'], expected, found)
  }
}
