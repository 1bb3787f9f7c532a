/** Configuration of whoever makes HTTP requests: what they carry, and whom they trust. */
import { durationKey, flagKey, group, mapOf, optional, pathKey, textKey } from '../../base/config-keys.ts'
import type { Resolved } from '../../base/config-keys.ts'
import type { CheckContext, Report } from '../config.ts'

export const authKeys = {
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
}

export const clientKeys = {
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
  auth: optional(group('What the requests present: bearer or basic', authKeys)),
  tls: group('TLS of https requests', {
    ca: optional(pathKey({ description: 'PEM file of the authorities to trust instead of the usual ones' })),
    cert: optional(pathKey({ description: 'PEM file of the client certificate' })),
    key: optional(pathKey({ description: 'PEM file of the key of `cert`' })),
    verify: flagKey({ default: true, description: 'Check the certificate of the server' }),
  }),
}

export const connectTimeoutKey = durationKey({
  default: '5s',
  min: '10ms',
  max: '10m',
  description: 'When a connection attempt has failed',
})

const client = group('', clientKeys)
type ClientKeys = Resolved<typeof client>
/** Who presents an `apiKey` has a key for it beside the other two. */
export type ClientAuth = NonNullable<ClientKeys['auth']> & { readonly apiKey?: string }
export type ClientConfig = Omit<ClientKeys, 'auth'> & { readonly auth?: ClientAuth }
export type ClientTls = ClientConfig['tls']

const PER_REQUEST = 'no header that each request sets itself'
/** Headers that come from other keys, or from the request itself. */
const OWN_HEADERS = new Map<string, string>([
  ['content-encoding', 'the key compression'],
  ['content-length', PER_REQUEST],
  ['transfer-encoding', PER_REQUEST],
  ['connection', PER_REQUEST],
  ['keep-alive', PER_REQUEST],
  ['upgrade', PER_REQUEST],
  ['expect', PER_REQUEST],
  ['host', PER_REQUEST],
])

/** Checks `headers`, `auth` and `tls` against each other and `urls`; `ownHeaders` are further ones not to be set, `authWays` the keys of `auth`. */
export function checkClient(
  config: ClientConfig,
  urls: readonly string[],
  context: CheckContext,
  report: Report,
  ownHeaders: readonly string[] = [],
  authWays = 'bearer or basic',
): void {
  checkAuth(config, authWays, report)
  checkTls(config.tls, urls, context, report)
  const seen = new Set<string>()
  for (const name of Object.keys(config.headers)) {
    const lowerCase = name.toLowerCase()
    const instead = ownHeaders.includes(lowerCase) ? PER_REQUEST : OWN_HEADERS.get(lowerCase)
    if (instead !== undefined) report(['headers', name], instead, `the header ${name}`)
    if (seen.has(lowerCase)) report(['headers', name], 'each header once', `another ${lowerCase}`)
    seen.add(lowerCase)
  }
}

function checkAuth({ auth, headers }: ClientConfig, ways: string, report: Report): void {
  if (auth === undefined) return
  const given = [auth.bearer, auth.basic, auth.apiKey].filter((way) => way !== undefined)
  if (given.length !== 1) report(['auth'], ways, given.length === 0 ? 'neither' : 'both')
  for (const name of Object.keys(headers)) {
    if (name.toLowerCase() === 'authorization')
      report(['headers', name], 'either auth or this header', 'both')
  }
}

function checkTls(tls: ClientTls, urls: readonly string[], context: CheckContext, report: Report): void {
  const set = tls.ca !== undefined || tls.cert !== undefined || tls.key !== undefined || !tls.verify
  if (set && !urls.some((url) => url.startsWith('https:')))
    report(['tls'], 'an https:// url beside it', 'http://')
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
