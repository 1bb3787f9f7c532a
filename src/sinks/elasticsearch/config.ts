/** Configuration of `type: elasticsearch`: batches to `_bulk` of Elasticsearch, OpenSearch and stores that speak alike. */
import { choiceKey, group, optional, textKey, urlKey } from '../../base/config-keys.ts'
import { adaptiveRequestKeys, httpBreakerKeys, sinkKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkSink } from '../../pipeline/config-checks.ts'
import { authKeys, checkClient, clientKeys, connectTimeoutKey } from '../../pipeline/http/client-config.ts'

export const elasticsearchSinkKeys = group(
  'Batches to `_bulk` of Elasticsearch, OpenSearch and compatible stores',
  {
    type: choiceKey(['elasticsearch'], { description: 'A `_bulk` request for each batch' }),
    ...sinkKeys,
    breaker: httpBreakerKeys,
    url: urlKey({ description: 'Of the server; `/<index>/_bulk` is added' }),
    index: textKey({
      pattern: '^(?:\\.?[a-z0-9][a-z0-9._+=@~-]{0,253}|<[!-;=?-~]{1,250}>)$',
      expected: 'the name of an index, in lower case, or date math such as <logs-{now/d}>',
      description: 'Index, alias or data stream that the events are created in',
    }),
    pipeline: optional(
      textKey({
        pattern: '^[\\x21-\\x7e]{1,255}$',
        expected: 'the name of a pipeline',
        description: 'Ingest pipeline of the store that the events go through',
      }),
    ),
    ...clientKeys,
    auth: optional(
      group('What the requests present: bearer, basic or api_key', {
        ...authKeys,
        api_key: optional(
          textKey({
            pattern: '^[\\x21-\\x7e]+$',
            expected: 'an encoded API key, printable ASCII without blanks',
            description: 'API key as the store encodes it, in Base64',
          }),
        ),
      }),
    ),
    compression: choiceKey(['none', 'gzip', 'auto'], {
      default: 'none',
      description: 'Compression of the bodies; auto: gzip while near the rate limit, else none',
    }),
    request: group('Time-outs and requests in flight', {
      ...adaptiveRequestKeys,
      connect_timeout: connectTimeoutKey,
    }),
  },
)

export type ElasticsearchSinkConfig = Named<typeof elasticsearchSinkKeys>

export function checkElasticsearchSink(
  config: ElasticsearchSinkConfig,
  context: CheckContext,
  report: Report,
): void {
  checkSink(config, context, report)
  checkClient(config, [config.url], context, report, [], 'bearer, basic or api_key')
  const { search } = new URL(config.url)
  if (search !== '') report(['url'], 'the address of the server, without a query', search)
}
