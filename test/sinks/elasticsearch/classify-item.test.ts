import t from 'tap'
import { classifyItem } from '../../../src/sinks/elasticsearch/classify-item.ts'
import type { ItemClass } from '../../../src/sinks/elasticsearch/classify-item.ts'

const cases: Record<ItemClass, [status: number, type?: string, reason?: string][]> = {
  delivered: [[200], [201], [409, 'version_conflict_engine_exception'], [409]],
  retry: [
    [0],
    [409, 'resource_already_exists_exception'],
    [429, 'es_rejected_execution_exception'],
    [429, 'rejected_execution_exception'],
    [429, 'circuit_breaking_exception'],
    [
      429,
      'cluster_block_exception',
      'index [logs] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];',
    ],
    [403, 'cluster_block_exception', 'blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];'],
    [500, 'out_of_memory_error'],
    [503, 'unavailable_shards_exception'],
    [503, 'process_cluster_event_timeout_exception'],
    [503, 'cluster_block_exception', 'blocked by: [SERVICE_UNAVAILABLE/2/no master];'],
    [302],
    [418],
    [502],
    [599],
  ],
  reject: [
    [400, 'mapper_parsing_exception', 'failed to parse field [severity] of type [long]'],
    [400, 'document_parsing_exception'],
    [400, 'strict_dynamic_mapping_exception'],
    [400, 'illegal_argument_exception', 'Limit of total fields [1000] has been exceeded'],
    [400, 'illegal_argument_exception', 'a field named: pipeline with id [x] does not exist'],
    [400],
    [413],
    [422],
  ],
  hold: [
    [401, 'security_exception'],
    [403, 'security_exception', 'action [indices:data/write/bulk[s]] is unauthorized'],
    [403, 'cluster_block_exception', 'index [logs] blocked by: [FORBIDDEN/8/index write (api)];'],
    [403, 'cluster_block_exception', 'index [logs] blocked by: [FORBIDDEN/5/index read-only (api)];'],
    [404, 'index_not_found_exception', 'no such index [logs] and [action.auto_create_index] is [false]'],
    [400, 'index_closed_exception', 'closed'],
    [400, 'invalid_index_name_exception'],
    [400, 'validation_exception', 'this action would add [2] shards, but this cluster has [1000]/[1000]'],
    [400, 'illegal_argument_exception', 'pipeline with id [soc] does not exist'],
    [400, 'illegal_argument_exception', 'no write index is defined for alias [logs].'],
  ],
}

for (const [expected, items] of Object.entries(cases)) {
  t.test(expected, async (t) => {
    for (const [status, type = '', reason = ''] of items) {
      t.equal(classifyItem(status, type, reason), expected, `${status} ${type} ${reason}`)
    }
  })
}
