/**
 * What the store says of one event. Statuses and types as Elasticsearch and OpenSearch give them: `status` of an item is
 * what a request with this event alone would have been answered with.
 */

export type ItemClass = 'delivered' | 'retry' | 'reject' | 'hold'

/** The same id is there: this event, from a request whose answer was lost. */
const CONFLICT = 'version_conflict_engine_exception'

/**
 * It lies with the index, the cluster or the credentials, so that each event would fare the same until the operator does
 * something. All but the first two come with 400, like events that are refused for what they hold.
 */
const OPERATOR_TYPES: ReadonlySet<string> = new Set([
  'security_exception',
  'index_not_found_exception',
  'index_closed_exception',
  'invalid_index_name_exception',
  // The cluster has as many shards as it may.
  'validation_exception',
])

/** Of an `illegal_argument_exception`, whose type alone says nothing: the pipeline, the alias. */
const OPERATOR_REASONS = /^(?:pipeline with id \[.*\] does not exist|no write index is defined for alias )/

/**
 * Block 12, read-only-allow-delete, is set when a disk is too full and goes by itself when there is room again
 * (Elasticsearch 7.4 and later, OpenSearch): 429 since Elasticsearch 7.7 (pull request 50166), 403 before.
 */
const DISK_FULL_BLOCK = /\b(?:FORBIDDEN|TOO_MANY_REQUESTS)\/12\//

/** `status` is 0 where the item has none that can be read. */
export function classifyItem(status: number, type: string, reason: string): ItemClass {
  if (status >= 200 && status < 300) return 'delivered'
  if (status === 409) return type === '' || type === CONFLICT ? 'delivered' : 'retry'
  if (type === 'cluster_block_exception' && DISK_FULL_BLOCK.test(reason)) return 'retry'
  if (status === 401 || status === 403 || status === 404) return 'hold'
  if (OPERATOR_TYPES.has(type) || OPERATOR_REASONS.test(reason)) return 'hold'
  return status === 400 || status === 413 || status === 422 ? 'reject' : 'retry'
}
