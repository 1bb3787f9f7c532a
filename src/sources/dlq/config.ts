/** The source that replayed dead letters come in by. It is always there, and nothing of it is the user's to configure. */

export const DLQ_SOURCE = 'dlq'

export interface DlqSourceConfig {
  readonly type: 'dlq'
  readonly name: typeof DLQ_SOURCE
  /** Of records that no other rules are chosen for, which there are none of. */
  readonly schema: 'any'
  readonly maxRecordBytes: number
  readonly maxDepth: number
  readonly ack: 'stored' | 'delivered'
  readonly lingerMs: number
  readonly recordTimeoutMs: number
}

/** As far as the limits of a source matter here. */
interface FirstSource {
  readonly maxRecordBytes: number
  readonly recordTimeoutMs: number
  readonly maxDepth?: number
}

/** What sources allow by default: letters of one that has left came in under it. */
const MAX_DEPTH_MIN = 256
const LINGER_MS = 5

/**
 * What any source took before must come in again, so its limits are the widest of all.
 *
 * With a journal on disk a letter is gone once its record is durable there. In memory mode nothing is: then it is gone once
 * every sink has settled its record, or a crash would lose both.
 */
export function dlqSourceConfig(
  sources: readonly FirstSource[],
  journal: { readonly mode: 'disk' | 'memory' },
): DlqSourceConfig {
  return {
    type: 'dlq',
    name: DLQ_SOURCE,
    schema: 'any',
    maxRecordBytes: Math.max(...sources.map(({ maxRecordBytes }) => maxRecordBytes)),
    maxDepth: Math.max(MAX_DEPTH_MIN, ...sources.map(({ maxDepth = 0 }) => maxDepth)),
    ack: journal.mode === 'disk' ? 'stored' : 'delivered',
    lingerMs: LINGER_MS,
    recordTimeoutMs: Math.max(...sources.map(({ recordTimeoutMs }) => recordTimeoutMs)),
  }
}
