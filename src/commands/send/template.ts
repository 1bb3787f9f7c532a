/** Synthetic events as they go over the wire, but for the number and the time, which are filled in when they are sent. */
import { Dice, makeOccurrence } from './occurrences.ts'
import type { Occurrence } from './occurrences.ts'

export type WireFormat = 'json' | 'rfc5424' | 'rfc3164'
/** How events are told apart: a line feed behind each, its length before it (RFC 6587 section 3.4.1), or a datagram each. */
export type WireFraming = 'newline' | 'octet-counting' | 'datagram'

export interface Template {
  readonly bytes: Buffer
  /** Where the ten digits of the number begin. */
  readonly numberAt: number
  /** Where the time begins; -1: there is none to fill in. */
  readonly timeAt: number
  readonly malformed: boolean
}

/** The number of the first event: ten digits, so that a number is overwritten in place and all events keep their length. */
export const FIRST_NUMBER = 1_000_000_000
export const NUMBER_DIGITS = 10

/** Severity of `soc` for that of syslog, 0 to 7. */
const SOC_SEVERITIES = [10, 9, 8, 7, 5, 3, 2, 1] as const

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/**
 * The time of an event, always of one length: RFC 3339 in UTC (RFC 5424 section 6.2.3), or RFC 3164 section 4.1.2,
 * local: "Mmm dd hh:mm:ss", the day filled up with a blank.
 */
export function timeText(format: WireFormat, wallClockMs: number): string {
  const date = new Date(wallClockMs)
  if (format !== 'rfc3164') return date.toISOString()
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((value) => two(value, '0'))
    .join(':')
  return `${MONTHS[date.getMonth()]!} ${two(date.getDate(), ' ')} ${clock}`
}

function two(value: number, fill: '0' | ' '): string {
  return String(value).padStart(2, fill)
}

function jsonEvent(occurrence: Occurrence): Record<string, unknown> {
  const { eventType, syslogSeverity, sourceIp, user, host, program, message, details } = occurrence
  return {
    seq: FIRST_NUMBER,
    timestamp: timeText('json', 0),
    source_ip: sourceIp,
    event_type: eventType,
    severity: SOC_SEVERITIES[syslogSeverity],
    user,
    host,
    message,
    raw_payload: { program, ...details },
  }
}

/** `meta@32473`: the enterprise number for documentation (RFC 5612). */
function syslogMessage(format: WireFormat, occurrence: Occurrence): string {
  const { facility, syslogSeverity, host, program, processId, eventType, message } = occurrence
  const priority = `<${facility * 8 + syslogSeverity}>`
  const time = timeText(format, 0)
  return format === 'rfc5424'
    ? `${priority}1 ${time} ${host} ${program} ${processId} ${eventType} [meta@32473 seq="${FIRST_NUMBER}"] ${message}`
    : `${priority}${time} ${host} ${program}[${processId}]: ${message} seq=${FIRST_NUMBER}`
}

/** Ways to be malformed, taken in turn; the number stays. */
const faults: readonly ((event: Record<string, unknown>) => string)[] = [
  (event) => JSON.stringify(event).slice(0, -12),
  (event) => JSON.stringify({ ...event, severity: 11 }),
  (event) => JSON.stringify({ ...event, timestamp: 'yesterday' }),
  (event) => JSON.stringify({ ...event, source_ip: undefined }),
]

export interface TemplateOptions {
  readonly format: WireFormat
  readonly framing: WireFraming
  /** Decides the content. */
  readonly seed: number
  readonly count: number
}

export function makeTemplates({ format, framing, seed, count }: TemplateOptions): Template[] {
  const dice = new Dice(seed)
  return Array.from({ length: count }, () => {
    const occurrence = makeOccurrence(dice)
    const text = format === 'json' ? JSON.stringify(jsonEvent(occurrence)) : syslogMessage(format, occurrence)
    return template(text, format, framing, false)
  })
}

/** JSON events that no collector with the schema `soc` should accept. */
export function makeMalformedTemplates(options: Omit<TemplateOptions, 'format'>): Template[] {
  const dice = new Dice(options.seed)
  return Array.from({ length: options.count }, (_, index) => {
    const text = faults[index % faults.length]!(jsonEvent(makeOccurrence(dice)))
    return template(text, 'json', options.framing, true)
  })
}

function template(text: string, format: WireFormat, framing: WireFraming, malformed: boolean): Template {
  const bytes = framed(Buffer.from(text), framing)
  return {
    bytes,
    numberAt: bytes.indexOf(String(FIRST_NUMBER)),
    timeAt: bytes.indexOf(timeText(format, 0)),
    malformed,
  }
}

const LF = Buffer.from('\n')

/** An event as its framing has it; in octet counting without a line feed, so that only the count tells its end. */
export function framed(event: Buffer, framing: WireFraming): Buffer {
  if (framing === 'datagram') return event
  return framing === 'newline'
    ? Buffer.concat([event, LF])
    : Buffer.concat([Buffer.from(`${event.length} `), event])
}
