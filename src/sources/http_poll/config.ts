/** Configuration of `type: http_poll`: servers that are asked for events now and then. */
import {
  bytesKey,
  choiceKey,
  countKey,
  durationKey,
  group,
  laterKey,
  listOf,
  textKey,
  urlKey,
} from '../../base/config-keys.ts'
import { sourceKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkRecordBytes } from '../../pipeline/config-checks.ts'
import { checkClient, clientKeys, connectTimeoutKey } from '../../pipeline/http/client-config.ts'
import { parsePointer } from '../../schema/pointer.ts'

const URLS_MAX = 256

/** Up to 7 keys of at least one character; such as JSON must write with an escape are not looked for. */
const KEY = '[^/~"\\\\\\x00-\\x1f]'
const RECORDS_PATTERN = `^(?:${KEY}(?:${KEY}|[/~])*|(?:/(?:${KEY}|~[01])+){1,7})$`

export const httpPollSourceKeys = group('Events in the answers of HTTP servers', {
  type: choiceKey(['http_poll'], { description: 'Asks HTTP servers for events, again and again' }),
  urls: listOf(urlKey({ description: 'A URL that answers a GET' }), {
    description: 'What is asked, each URL on its own',
    minItems: 1,
    maxItems: URLS_MAX,
  }),
  interval: durationKey({
    default: '60s',
    min: '100ms',
    max: '24h',
    description: 'From the beginning of a poll to that of the next one of the same URL',
  }),
  records: textKey({
    default: 'logs',
    pattern: RECORDS_PATTERN,
    maxLength: 1024,
    expected: 'none, a top-level key or a JSON pointer of up to 7 keys, without quotes or backslashes',
    description:
      'Where in a JSON document the array of events is: a top-level key, or a JSON pointer such as /data/items; none: a document is an event, or an array of them',
  }),
  concurrency: countKey({
    default: 4,
    min: 1,
    max: URLS_MAX,
    description:
      'Requests at once, over all URLs; each may take a slab of its own. Fewer, down to 1, as the source fills its ring or its share of the arena',
  }),
  method: choiceKey(['GET'], { default: 'GET', description: 'Method of the requests' }),
  ...clientKeys,
  request: group('Time-outs of a request, with the redirects that it follows', {
    timeout: durationKey({
      default: '15s',
      min: '10ms',
      max: '1h',
      description:
        'When an answer that is not there to its last byte has failed; not counted is what it waits for room',
    }),
    connect_timeout: connectTimeoutKey,
  }),
  retry: group('What happens after a request that failed', {
    attempts: countKey({ default: 3, min: 1, max: 100, description: 'Requests of one poll at most' }),
    initial: durationKey({
      default: '1s',
      min: '1ms',
      max: '1h',
      description: 'First pause, doubled every time',
    }),
    max: durationKey({ default: '30s', min: '1ms', max: '24h', description: 'Longest pause' }),
    jitter: choiceKey(['full'], {
      default: 'full',
      description: 'Each pause is random from 0 to its length',
    }),
  }),
  max_response_bytes: bytesKey({
    default: '4GiB',
    min: '1KiB',
    max: '64GiB',
    description: 'Longest answer as received; a longer one is broken off',
  }),
  max_inflated_bytes: bytesKey({
    default: '4GiB',
    min: '1KiB',
    max: '64GiB',
    description: 'Longest answer after decompression',
  }),
  pagination: laterKey('How an answer names its next page'),
  cursor: laterKey('What is remembered of the last answer for the next request'),
  ...sourceKeys,
})

export type HttpPollSourceConfig = Named<typeof httpPollSourceKeys>

/** Headers that each request sets itself. */
const OWN_HEADERS = ['accept-encoding', 'content-encoding']

export function checkHttpPollSource(
  config: HttpPollSourceConfig,
  context: CheckContext,
  report: Report,
): void {
  checkRecordBytes(config, context, report)
  checkClient(config, config.urls, context, report, OWN_HEADERS)
  if (config.retry.initialMs > config.retry.maxMs) report(['retry', 'initial'], 'at most retry.max')
  for (const [index, url] of config.urls.entries()) {
    if (config.urls.indexOf(url) < index) report(['urls', index], 'each URL once')
  }
}

/** The keys that lead to the array of events in a document; none of them where documents are events. */
export function recordsPath(records: string): readonly string[] {
  if (records === 'none') return []
  return records.startsWith('/') ? parsePointer(records)! : [records]
}
