/** Configuration of `type: http`: events pushed in request bodies. */
import { bytesKey, choiceKey, countKey, group, optional, textKey } from '../../base/config-keys.ts'
import { listenerKeys, sourceKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkExposure, checkRecordBytes } from '../../pipeline/config-checks.ts'

export const httpSourceKeys = group('Events in the bodies of POST requests', {
  type: choiceKey(['http'], { description: 'NDJSON, JSON documents, arrays or { "logs": [...] } over HTTP' }),
  ...listenerKeys,
  ...sourceKeys,
  auth: optional(
    group('What clients must present', {
      bearer: textKey({
        pattern: '^[\\x21-\\x7e]+$',
        expected: 'a token of printable ASCII without blanks',
        description: 'Token of the Authorization header',
      }),
    }),
  ),
  max_requests: countKey({
    default: 1000,
    min: 1,
    max: 65_536,
    description: 'Requests in hand at once; further ones are answered 429',
  }),
  max_body_bytes: bytesKey({
    default: '64MiB',
    min: '1KiB',
    max: '16GiB',
    description: 'Longest body as received',
  }),
  max_inflated_bytes: bytesKey({
    default: '256MiB',
    min: '1KiB',
    max: '64GiB',
    description: 'Longest body after decompression',
  }),
})

export type HttpSourceConfig = Named<typeof httpSourceKeys>

export function checkHttpSource(config: HttpSourceConfig, context: CheckContext, report: Report): void {
  checkRecordBytes(config, context, report)
  if (config.auth === undefined) checkExposure(config, 'auth or insecure: true', report)
}
