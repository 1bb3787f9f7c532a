import { spwError } from '../../base/errors.ts'

export type TargetKind = 'http' | 'tcp' | 'syslog' | 'syslog+udp'

/** Where to send. `host` has no brackets. */
export interface Target {
  readonly kind: TargetKind
  readonly url: URL
  readonly host: string
  readonly port: number
}

const KINDS: Readonly<Record<string, TargetKind>> = {
  'http:': 'http',
  'https:': 'http',
  'tcp:': 'tcp',
  'syslog:': 'syslog',
  'syslog+tcp:': 'syslog',
  'syslog+udp:': 'syslog+udp',
}
const SYSLOG_PORT = 514

const invalid = (reason: string) => spwError('SPW_ERR_OPTION_INVALID', { option: '--to', reason })

/** @throws SpillwayError SPW_ERR_OPTION_INVALID */
export function parseTarget(text: string): Target {
  if (!URL.canParse(text) || !text.includes('://')) {
    throw invalid(
      `${text} is no URL such as http://127.0.0.1:8080/, tcp://127.0.0.1:8081 or syslog://127.0.0.1:5514`,
    )
  }
  const url = new URL(text)
  const kind = KINDS[url.protocol]
  if (kind === undefined) {
    throw invalid(`${url.protocol}// is none of http, https, tcp, syslog and syslog+udp`)
  }
  if (url.hostname === '') throw invalid(`${text} names no host`)
  if (url.username !== '' || url.password !== '') throw invalid('credentials go into --token or --header')
  if (kind !== 'http' && !['', '/'].includes(url.pathname))
    throw invalid(`${text} has a path, which only http knows`)
  if (kind === 'tcp' && url.port === '') throw invalid(`${text} names no port, such as tcp://127.0.0.1:8081`)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? (kind === 'http' ? 80 : SYSLOG_PORT) : Number(url.port)
  return { kind, url, host, port }
}
