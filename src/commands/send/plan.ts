/** From the options of `spillway send` to what is done, or one error that says what is wrong. */
import { spwError } from '../../base/errors.ts'
import { parseDurationMs } from '../../base/units.ts'
import { parseCount } from '../terminal/numbers.ts'
import { parseTarget } from './target.ts'
import type { Target } from './target.ts'
import type { WireFormat, WireFraming } from './template.ts'

type TextOption =
  'to' | 'count' | 'rate' | 'duration' | 'connections' | 'batch' | 'file' | 'format' | 'framing' | 'token'

/** As commander has them. */
export interface SendOptions extends Readonly<Partial<Record<TextOption, string>>> {
  readonly header?: readonly string[]
  readonly gzip?: boolean
  readonly json?: boolean
  readonly color?: boolean
}

export interface SendPlan {
  readonly target: Target
  /** Infinity: until the time or the file is over. */
  readonly eventsMax: number
  /** Infinity: as fast as it is taken. */
  readonly eventsPerSecond: number
  readonly durationMs: number
  readonly connections: number
  readonly batchEventsMax: number
  readonly file: string | null
  /** The file begins anew at its end, until the count or the time is reached. */
  readonly looped: boolean
  readonly format: WireFormat
  readonly framing: WireFraming
  readonly headers: Readonly<Record<string, string>>
  readonly gzip: boolean
}

export const TARGET_DEFAULT = 'http://127.0.0.1:8080/'
export const COUNT_DEFAULT = 10_000
export const BATCH_EVENTS_DEFAULT = 500
/** A receiver of datagrams can't slow its senders down: unlimited most would be lost. */
export const UDP_EVENTS_PER_SECOND_DEFAULT = 10_000

const CONNECTIONS_MAX = 1000
const BATCH_EVENTS_MAX = 20_000
const RATE_MAX = 100_000_000
const COUNT_MAX = 8_000_000_000
/** Datagrams go out one by one; larger batches would only make the rate uneven. */
const UDP_BATCH_EVENTS_MAX = 64

function invalid(option: string, reason: string) {
  return spwError('SPW_ERR_OPTION_INVALID', { option, reason })
}

/**
 * @param url the argument that may stand in place of `--to`.
 * @throws SpillwayError SPW_ERR_OPTION_INVALID
 */
export function sendPlan(url: string | undefined, options: SendOptions): SendPlan {
  if (url !== undefined && options.to !== undefined)
    throw invalid('--to', 'there is a URL beside it: give one of them')
  const target = parseTarget(url ?? options.to ?? TARGET_DEFAULT)
  const { kind } = target
  const udp = kind === 'syslog+udp'
  refuseWhatIsForOthers(options, kind)
  const durationMs = durationMsOf(options.duration)
  const count = counted('--count', options.count, COUNT_MAX)
  const file = options.file ?? null
  const endless = durationMs !== Infinity || file !== null
  const rate = counted('--rate', options.rate, RATE_MAX)
  return {
    target,
    eventsMax: count ?? (endless ? Infinity : COUNT_DEFAULT),
    eventsPerSecond: rate ?? (udp ? UDP_EVENTS_PER_SECOND_DEFAULT : Infinity),
    durationMs,
    connections: counted('--connections', options.connections, CONNECTIONS_MAX) ?? 1,
    batchEventsMax: udp
      ? UDP_BATCH_EVENTS_MAX
      : (counted('--batch', options.batch, BATCH_EVENTS_MAX) ?? BATCH_EVENTS_DEFAULT),
    file,
    looped: count !== undefined || durationMs !== Infinity,
    format:
      kind === 'syslog' || udp
        ? chosen('--format', options.format ?? 'rfc5424', ['rfc5424', 'rfc3164'])
        : 'json',
    framing: udp
      ? 'datagram'
      : chosen('--framing', options.framing ?? 'newline', ['newline', 'octet-counting']),
    headers: kind === 'http' ? headersOf(options) : {},
    gzip: options.gzip === true,
  }
}

/** An option that would do nothing is a misunderstanding. */
function refuseWhatIsForOthers(options: SendOptions, kind: Target['kind']): void {
  if (kind !== 'http') {
    const { header, gzip } = options
    if (header !== undefined && header.length > 0) throw invalid('--header', 'only http has headers')
    if (gzip === true) throw invalid('--gzip', 'only http bodies are compressed')
  }
  if (options.format !== undefined && !kind.startsWith('syslog'))
    throw invalid('--format', 'only syslog has formats')
  if (options.framing !== undefined && kind !== 'syslog')
    throw invalid('--framing', 'only syslog over TCP has framings')
  if (options.batch !== undefined && kind === 'syslog+udp')
    throw invalid('--batch', 'a datagram is one event')
}

function counted(option: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined
  const count = parseCount(text)
  if (count === undefined || count < 1 || count > most) {
    throw invalid(option, `${text} is no whole number from 1 to ${most}, such as 500 or 50k`)
  }
  return count
}

function durationMsOf(text: string | undefined): number {
  if (text === undefined) return Infinity
  const durationMs = parseDurationMs(text)
  if (durationMs === undefined || durationMs < 1)
    throw invalid('--duration', `${text} is no time such as 30s or 5m`)
  return durationMs
}

function chosen<Choice extends string>(option: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((name) => name === text)
  if (choice === undefined) throw invalid(option, `${text} is none of ${choices.join(', ')}`)
  return choice
}

function headersOf({ header = [], token, gzip }: SendOptions): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/x-ndjson' }
  if (gzip === true) headers['content-encoding'] = 'gzip'
  if (token !== undefined && token !== '') headers['authorization'] = `Bearer ${token}`
  for (const line of header) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): *([\t\x20-\x7e]*)$/.exec(line)
    if (match === null) throw invalid('--header', `${line} is no header such as "x-tenant: blue"`)
    headers[match[1]!.toLowerCase()] = match[2]!
  }
  return headers
}
