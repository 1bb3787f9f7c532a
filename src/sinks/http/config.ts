/** Configuration of `type: http`: batches in the bodies of requests. */
import { choiceKey, group, urlKey } from '../../base/config-keys.ts'
import {
  adaptiveRequestKeys,
  httpBreakerKeys,
  requestCompressionKey,
  sinkKeys,
} from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkSink } from '../../pipeline/config-checks.ts'
import { checkClient, clientKeys, connectTimeoutKey } from '../../pipeline/http/client-config.ts'

export const httpSinkKeys = group('Batches in the bodies of HTTP requests', {
  type: choiceKey(['http'], { description: 'A request for each batch' }),
  ...sinkKeys,
  breaker: httpBreakerKeys,
  url: urlKey({ description: 'Where batches are sent' }),
  method: choiceKey(['POST', 'PUT'], { default: 'POST', description: 'Method of the requests' }),
  ...clientKeys,
  encoding: choiceKey(['ndjson', 'json'], { default: 'ndjson', description: 'Lines, or one array' }),
  compression: requestCompressionKey,
  request: group('Time-outs and requests in flight', {
    ...adaptiveRequestKeys,
    connect_timeout: connectTimeoutKey,
  }),
})

export type HttpSinkConfig = Named<typeof httpSinkKeys>

export function checkHttpSink(config: HttpSinkConfig, context: CheckContext, report: Report): void {
  checkSink(config, context, report)
  checkClient(config, [config.url], context, report, ['idempotency-key'])
}
