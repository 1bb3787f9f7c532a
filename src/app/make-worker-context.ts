import type { Arena } from '../memory/arena.ts'
import type { Control } from '../memory/control.ts'
import type { ExtentRing } from '../memory/extent-ring.ts'
import type { GcPauses } from '../memory/gc-pauses.ts'
import type { RecordRules, WorkerContext } from '../scan/worker-context.ts'
import type { SinkConfig } from '../sinks/registry.ts'
import type { DlqSourceConfig } from '../sources/dlq/config.ts'
import { recordsPath } from '../sources/http_poll/config.ts'
import { isDecoded } from '../sources/registry.ts'
import type { ResolvedConfig } from './config/root.ts'
import type { AnySourceConfig } from './topology.ts'

/** More than any decoder makes. */
const DECODED_DEPTH_MAX = 8

/** Bit of a sink's `where` in the route mask, -1 for a sink without. */
export function filterIndex(sinks: readonly SinkConfig[], sink: SinkConfig): number {
  return sinks.filter(({ where }) => where !== undefined).indexOf(sink)
}

/** What workers are started with. */
export function makeWorkerContext(
  config: ResolvedConfig,
  sources: readonly AnySourceConfig[],
  arena: Arena,
  rings: readonly ExtentRing[],
  control: Control,
  gcPauses: GcPauses,
): WorkerContext {
  return {
    arena: arena.parts,
    sources: sources.map((source, index) => ({
      name: source.name,
      ring: rings[index]!.buffer,
      schema: config.schemas[source.schema]!,
      maxRecordBytes: source.maxRecordBytes,
      maxDepth: 'maxDepth' in source ? source.maxDepth : DECODED_DEPTH_MAX,
      ...(source.type === 'http_poll' ? { recordsPath: recordsPath(source.records) } : undefined),
      ...(isDecoded(source) ? { decoder: { type: 'syslog', timezone: source.timezone } } : undefined),
      ...(source.type === 'dlq' ? { otherRules: rulesOf(config, source) } : undefined),
    })),
    filters: config.sinks.flatMap(({ where }) => (where === undefined ? [] : [where])),
    control: control.buffer,
    gcPauses: gcPauses.buffer,
    checksums: config.journal.mode === 'disk',
  }
}

/** Letters are judged by the schema of the source that they came in by first: any of the configuration. */
function rulesOf({ schemas }: ResolvedConfig, { maxRecordBytes, maxDepth }: DlqSourceConfig): RecordRules[] {
  return Object.values(schemas).map((schema) => ({ schema, maxRecordBytes, maxDepth }))
}
