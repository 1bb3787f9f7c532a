/** From the tree of a configuration file to the resolved configuration: every part alone, then all against each other. */
import type { AnyGroup } from '../../base/config-keys.ts'
import { MIB } from '../../base/units.ts'
import { NAME_EXPECTED, NAME_PATTERN } from '../../pipeline/config.ts'
import type { CheckContext, CommonSinkConfig, CommonSourceConfig } from '../../pipeline/config.ts'
import { SINKS_MAX, SOURCES_MAX } from '../../pipeline/limits.ts'
import type { SchemaSpec } from '../../schema/spec.ts'
import type { SinkConfig } from '../../sinks/registry.ts'
import type { SourceConfig } from '../../sources/registry.ts'
import { checkPinning } from '../pinning/check.ts'
import { readHostCpus } from '../pinning/host-cpus.ts'
import type { HostCpus } from '../pinning/host-cpus.ts'
import { laterSinkTypes, laterSourceTypes, sinkTypes, sourceTypes } from './components.ts'
import type { ComponentType } from './components.ts'
import { checkShares, crossCheck, resolveWorkers } from './cross-check.ts'
import { shortReasonOf } from './interpolate.ts'
import type { Surroundings } from './interpolate.ts'
import type { References } from './cross-check.ts'
import type { Path, Position, ProblemList } from './problems.ts'
import { describe, pickType, Resolver } from './resolve.ts'
import type { Resolution, ShownMap } from './resolve.ts'
import { rootKeys, schemaKeys } from './root.ts'
import type { ResolvedConfig, ResolvedRoot } from './root.ts'
import { builtinSchemas, loadSchemaFile } from './schema-files.ts'
import type { ConfigNode, MapNode } from './tree.ts'

const SCHEMAS_MAX = 64
/** All but the one that may be absent. */
const JOURNAL_KEYS_MIN = Object.keys(rootKeys.properties.journal.properties).length - 1
const PEM_FILE_BYTES_MAX = MIB

/** Names that mean something else wherever they are shown. */
const RESERVED_NAMES: Readonly<Record<string, readonly string[]>> = {
  sources: ['dlq'],
  sinks: [],
  schemas: Object.keys(builtinSchemas),
}

export interface BuiltConfig {
  readonly config: ResolvedConfig
  readonly shown: Readonly<ShownMap>
}

export class ConfigBuilder {
  readonly #root: ConfigNode
  readonly #problems: ProblemList
  readonly #surroundings: Surroundings
  readonly #resolver: Resolver
  readonly #shown: ShownMap = {}
  readonly #references: Record<'sources' | 'sinks', References[]> = { sources: [], sinks: [] }

  constructor(root: ConfigNode, problems: ProblemList, surroundings: Surroundings) {
    this.#root = root
    this.#problems = problems
    this.#surroundings = surroundings
    this.#resolver = new Resolver(problems, surroundings.baseDir)
  }

  /** The configuration; undefined where there are problems, which are all in the list then. */
  build(cores: number, cpus: () => HostCpus | null = readHostCpus): BuiltConfig | undefined {
    const top = this.#resolver.group(rootKeys, this.#root, [], this.#root)
    if (top === undefined) return undefined
    Object.assign(this.#shown, top.shown)
    const root = vouched<Partial<ResolvedRoot>>(top.value)
    const memory = { slabBytes: MIB, arenaBytes: 64 * MIB, ...root.memory }
    const mode = root.journal?.mode ?? 'memory'

    const schemas = this.#schemas()
    const sourceNames = this.#names('sources')
    const { slabBytes } = memory
    const deriveSource = (config: unknown, shown: ShownMap) => deriveAck(vouched(config), shown, mode)
    const sources = this.#components<SourceConfig>(
      'sources',
      sourceTypes,
      laterSourceTypes,
      slabBytes,
      deriveSource,
    )
    const deriveSink = (config: unknown, shown: ShownMap) => this.#deriveSink(vouched(config), shown)
    const sinks = this.#components<SinkConfig>('sinks', sinkTypes, laterSinkTypes, slabBytes, deriveSink)

    const schemaNames = [...Object.keys(builtinSchemas), ...this.#names('schemas')]
    const admin = root.admin?.listen === undefined ? undefined : root.admin
    const references = this.#references
    const journal = this.#journalIfSound(root.journal)
    const names = { references, sourceNames, schemaNames }
    crossCheck({ memory, journal, admin, sources, sinks, schemas, ...names }, this.#report)
    const parts = { sources, sinks, journal: { mode } }
    const workers = resolveWorkers(memory, parts, root.workers ?? 'auto', cores, this.#report)
    if (workers !== undefined) checkShares({ ...parts, memory, workers }, this.#report)
    checkPinning(root.cpuPinning, cpus, this.#report)
    if (workers === undefined || this.#problems.problems.length > 0) return undefined

    this.#shown.workers = workers.min === workers.max ? workers.max : { ...workers }
    const config = { ...vouched<ResolvedRoot>(top.value), workers, schemas, sources, sinks }
    return { config: deepFreeze(config), shown: deepFreeze(this.#shown) }
  }

  #journalIfSound(journal: ResolvedRoot['journal'] | undefined): ResolvedRoot['journal'] | undefined {
    if (journal === undefined || Object.keys(journal).length < JOURNAL_KEYS_MIN) return undefined
    return journal.shed === undefined && this.#nodeAt(['journal', 'shed']) !== undefined ? undefined : journal
  }

  #schemas(): Record<string, SchemaSpec> {
    const schemas: Record<string, SchemaSpec> = { ...builtinSchemas }
    const shown: ShownMap = {}
    for (const [name, node] of this.#named('schemas', SCHEMAS_MAX)) {
      const path = ['schemas', name]
      const { resolution, sound } = this.#resolve(schemaKeys, node, path)
      if (!sound) continue
      shown[name] = resolution.shown
      const spec = loadSchemaFile(name, vouched(resolution.value), this.#surroundings)
      if ('reason' in spec) this.#report([...path, 'file'], 'a JSON Schema document', spec.reason)
      else schemas[name] = spec
    }
    if (Object.keys(shown).length > 0) this.#shown.schemas = shown
    return schemas
  }

  /** The sources or sinks that are sound in themselves. */
  #components<Config extends { readonly name: string }>(
    kind: 'sources' | 'sinks',
    types: Readonly<Record<string, AnyComponentType>>,
    laterTypes: readonly string[],
    slabBytes: number,
    derive: (config: object, shown: ShownMap) => ShownMap,
  ): Config[] {
    const configs: Config[] = []
    const shown: ShownMap = {}
    this.#shown[kind] = shown
    for (const [name, node] of this.#named(kind, kind === 'sources' ? SOURCES_MAX : SINKS_MAX)) {
      const path = [kind, name]
      if (node.kind !== 'map') {
        this.#problems.add('invalid', node, path, 'a map with a type', describe(node, path))
        continue
      }
      const type = pickType(types, laterTypes, node, path, this.#problems)
      if (type === undefined) continue
      const { resolution, sound } = this.#resolve(type.keys, node, path)
      shown[name] = resolution?.shown
      this.#references[kind].push({ name, ...vouched<object>(resolution?.value) })
      if (!sound) continue
      const config = { name, ...vouched<object>(resolution.value) }
      shown[name] = derive(config, vouched(resolution.shown))
      const report = (at: Path, expected: string, found?: string): void =>
        this.#report([...path, ...at], expected, found)
      type.check(vouched<never>(config), this.#checkContext(slabBytes), report)
      configs.push(vouched(config))
    }
    return configs
  }

  /** Resolves a component. Where a value is missing or wrong it is not `sound`: checks never meet half of one. */
  #resolve(
    keys: AnyGroup,
    node: ConfigNode,
    path: Path,
  ): { sound: true; resolution: Resolution } | { sound: false; resolution: Resolution | undefined } {
    const failuresBefore = this.#resolver.failureCount
    const resolution = this.#resolver.group(keys, node, path, node)
    const sound = this.#resolver.failureCount === failuresBefore
    return sound && resolution !== undefined ? { sound, resolution } : { sound: false, resolution }
  }

  /** Fills in the keys of a sink whose defaults depend on others; returns what may be shown of it then. */
  #deriveSink(sink: Mutable<CommonSinkConfig>, shown: ShownMap): ShownMap {
    sink.inputs ??= this.#names('sources')
    const burst = sink.rateLimit.burst ?? burstOf(sink.rateLimit)
    sink.rateLimit = { ...sink.rateLimit, burst }
    const { type, inputs = sink.inputs, rate_limit: rateLimit, ...rest } = shown
    const shownBurst = burst === Infinity ? {} : { burst }
    return {
      type,
      inputs,
      ...rest,
      rate_limit: { ...vouched<ShownMap>(rateLimit), ...shownBurst },
    }
  }

  #checkContext(slabBytes: number): CheckContext {
    const unreadable = (path: string): string | undefined => {
      try {
        this.#surroundings.readText(path, PEM_FILE_BYTES_MAX)
        return undefined
      } catch (error) {
        return shortReasonOf(error)
      }
    }
    return { slabBytes, unreadable }
  }

  /** The entries of `schemas`, `sources` or `sinks` whose names are right. */
  #named(kind: string, countMax: number): [string, ConfigNode][] {
    const node = this.#nodeAt([kind])
    const needed = kind !== 'schemas'
    if (node === undefined || node.kind !== 'map' || (needed && node.entries.size === 0)) {
      if (node === undefined && !needed) return []
      const expected = `a map with at least one of the ${kind}`
      this.#problems.add(
        node === undefined ? 'missing' : 'invalid',
        node ?? this.#root,
        [kind],
        expected,
        'none',
      )
      return []
    }
    if (node.entries.size > countMax) {
      this.#report([kind], `at most ${countMax} ${kind}`, `${node.entries.size}`)
    }
    const named: [string, ConfigNode][] = []
    for (const [name, entry] of [...node.entries].slice(0, countMax)) {
      const reserved = RESERVED_NAMES[kind]?.includes(name) === true
      if (reserved || !new RegExp(NAME_PATTERN).test(name)) {
        const found = reserved ? 'a name that is taken' : JSON.stringify(name)
        this.#problems.add('invalid', entry.keyPosition, [kind, name], NAME_EXPECTED, found)
      } else named.push([name, entry.node])
    }
    return named
  }

  /** Names as written, of sound and unsound entries alike, so that one mistake is not reported twice. */
  #names(kind: string): string[] {
    const node = this.#nodeAt([kind])
    return node?.kind === 'map' ? [...node.entries.keys()] : []
  }

  /** Reports a problem at the nearest place that the file has for a path; what is found there is as `shown` has it. */
  readonly #report = (path: Path, expected: string, found?: string, nearest?: string): void => {
    const written = this.#nodeAt(path)
    let at: Position | undefined = written
    for (let depth = path.length - 1; at === undefined; depth--) at = this.#nodeAt(path.slice(0, depth))
    const standing = `${formatShown(valueAt(this.#shown, path))}${written === undefined ? ', the default' : ''}`
    this.#problems.add('invalid', at, path, expected, found ?? standing, nearest)
  }

  #nodeAt(path: Path): ConfigNode | undefined {
    let node: ConfigNode | undefined = this.#root
    for (const step of path) node = node === undefined ? undefined : childOf(node, step)
    return node
  }
}

type AnyComponentType = { readonly keys: AnyGroup; readonly check: ComponentType<never>['check'] }

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] }

/** The one place where a resolved value gets its type: the schema that it was resolved by is where the type is from. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters
const vouched = <Type>(value: unknown): Type => value as Type

/** The answer that promises most. */
function deriveAck(source: Mutable<CommonSourceConfig>, shown: ShownMap, mode: 'disk' | 'memory'): ShownMap {
  source.ack ??= mode === 'disk' ? 'stored' : 'accepted'
  const { type, ...rest } = shown
  return { type, ack: source.ack, ...rest }
}

/** One second of requests; what leaks evenly has no burst. */
function burstOf({ requestsPerSecond, algorithm }: CommonSinkConfig['rateLimit']): number {
  if (algorithm === 'leaky_bucket' && requestsPerSecond !== Infinity) return 1
  return Math.max(1, Math.floor(requestsPerSecond))
}

function childOf(node: ConfigNode | MapNode, step: string | number): ConfigNode | undefined {
  if (node.kind === 'list') return typeof step === 'number' ? node.items[step] : undefined
  return node.kind === 'map' ? node.entries.get(String(step))?.node : undefined
}

function valueAt(shown: unknown, path: Path): unknown {
  let value = shown
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = vouched<Record<string | number, unknown>>(value)[step]
  }
  return value
}

function formatShown(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'object' || value === undefined ? 'none' : JSON.stringify(value)
}

function deepFreeze<Type>(value: Type): Type {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const child of Object.values(value)) deepFreeze(child)
  return value
}
