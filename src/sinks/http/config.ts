/** Configuration of `type: http`: batches in the bodies of requests. */
import {
  choiceKey,
  durationKey,
  flagKey,
  group,
  mapOf,
  optional,
  pathKey,
  textKey,
  urlKey,
} from '../../base/config-keys.ts'
import { requestKeys, sinkKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkSink } from '../../pipeline/config-checks.ts'

export const httpSinkKeys = group('Batches in the bodies of HTTP requests', {
  type: choiceKey(['http'], { description: 'A request for each batch' }),
  ...sinkKeys,
  url: urlKey({ description: 'Where batches are sent' }),
  method: choiceKey(['POST', 'PUT'], { default: 'POST', description: 'Method of the requests' }),
  headers: mapOf(
    textKey({
      pattern: '^[\\t\\x20-\\x7e]*$',
      expected: 'a text of printable ASCII',
      description: 'Value of the header',
    }),
    {
      description: 'Further headers of the requests',
      maxKeys: 64,
      keyPattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$",
      keyExpected: 'the name of a header',
    },
  ),
  auth: optional(
    group('What the requests present: bearer or basic', {
      bearer: optional(
        textKey({
          pattern: '^[\\x21-\\x7e]+$',
          expected: 'a token of printable ASCII without blanks',
          description: 'Token of the Authorization header',
        }),
      ),
      basic: optional(
        group('User name and password', {
          username: textKey({
            description: 'User name',
            pattern: '^[^:]*$',
            expected: 'a text without a colon',
          }),
          password: textKey({ description: 'Password' }),
        }),
      ),
    }),
  ),
  tls: group('TLS of https requests', {
    ca: optional(pathKey({ description: 'PEM file of the authorities to trust instead of the usual ones' })),
    cert: optional(pathKey({ description: 'PEM file of the client certificate' })),
    key: optional(pathKey({ description: 'PEM file of the key of `cert`' })),
    verify: flagKey({ default: true, description: 'Check the certificate of the server' }),
  }),
  encoding: choiceKey(['ndjson', 'json'], { default: 'ndjson', description: 'Lines, or one array' }),
  compression: choiceKey(['none', 'gzip', 'zstd'], {
    default: 'none',
    later: ['auto'],
    description: 'Compression of the bodies',
  }),
  request: group('Time-outs and requests in flight', {
    ...requestKeys({ concurrency: 4, concurrencyMax: 256 }),
    connect_timeout: durationKey({
      default: '5s',
      min: '10ms',
      max: '10m',
      description: 'When a connection attempt has failed',
    }),
  }),
})

export type HttpSinkConfig = Named<typeof httpSinkKeys>

/** Headers that come from other keys, or from the request itself. */
const OWN_HEADERS: ReadonlyMap<string, string> = new Map([
  ['content-encoding', 'the key compression'],
  ['content-length', 'no header that each request sets itself'],
  ['transfer-encoding', 'no header that each request sets itself'],
  ['connection', 'no header that each request sets itself'],
  ['keep-alive', 'no header that each request sets itself'],
  ['upgrade', 'no header that each request sets itself'],
  ['expect', 'no header that each request sets itself'],
  ['host', 'no header that each request sets itself'],
])

export function checkHttpSink(config: HttpSinkConfig, context: CheckContext, report: Report): void {
  checkSink(config, context, report)
  checkAuth(config, report)
  checkTls(config, context, report)
  const seen = new Set<string>()
  for (const name of Object.keys(config.headers)) {
    const lowerCase = name.toLowerCase()
    const instead = OWN_HEADERS.get(lowerCase)
    if (instead !== undefined) report(['headers', name], instead, `the header ${name}`)
    if (seen.has(lowerCase)) report(['headers', name], 'each header once', `another ${lowerCase}`)
    seen.add(lowerCase)
  }
}

function checkAuth(config: HttpSinkConfig, report: Report): void {
  const { auth } = config
  if (auth === undefined) return
  if (auth.bearer === undefined && auth.basic === undefined) report(['auth'], 'bearer or basic', 'neither')
  if (auth.bearer !== undefined && auth.basic !== undefined) report(['auth'], 'bearer or basic', 'both')
  for (const name of Object.keys(config.headers)) {
    if (name.toLowerCase() === 'authorization')
      report(['headers', name], 'either auth or this header', 'both')
  }
}

function checkTls(config: HttpSinkConfig, context: CheckContext, report: Report): void {
  const { tls, url } = config
  const set = tls.ca !== undefined || tls.cert !== undefined || tls.key !== undefined || !tls.verify
  if (set && !url.startsWith('https:')) report(['tls'], 'an https:// url beside it', 'http://')
  if (tls.cert !== undefined && tls.key === undefined)
    report(['tls', 'cert'], 'the key of this certificate in tls.key', 'none')
  if (tls.key !== undefined && tls.cert === undefined)
    report(['tls', 'key'], 'the certificate of this key in tls.cert', 'none')
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = tls[name]
    if (path === undefined) continue
    const reason = context.unreadable(path)
    if (reason !== undefined) report(['tls', name], `a readable file (${reason})`)
  }
}
