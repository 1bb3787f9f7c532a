/** What `spillway send` tells at its end, and while it runs. */
import { bar, columnsOf, wrapWords } from '../terminal/graphics.ts'
import type { Glyphs } from '../terminal/graphics.ts'
import { formatCount, formatLatency, formatSize } from '../terminal/figures.ts'
import type { Paint } from '../terminal/paint.ts'
import type { SendPlan } from './plan.ts'
import type { Tally } from './tally.ts'

/** The result of a run, as `--json` prints it; null where the protocol has no answers. */
export interface SendResult {
  readonly to: string
  readonly complete: boolean
  readonly interrupted: boolean
  readonly error: string | null
  readonly sent: number
  readonly accepted: number | null
  readonly rejected: number | null
  readonly refused: number
  readonly unsent: number
  readonly resent_requests: number
  readonly bytes: number
  readonly seconds: number
  readonly events_per_second: number
  readonly megabytes_per_second: number
  readonly request_ms: { readonly p50: number; readonly p95: number; readonly p99: number } | null
  readonly first_complaint: string | null
}

export interface Ending {
  readonly elapsedMs: number
  readonly interrupted: boolean
  /** Why the run was broken off. */
  readonly error: string | null
}

export function resultOf(
  plan: SendPlan,
  tally: Tally,
  { elapsedMs, interrupted, error }: Ending,
): SendResult {
  const seconds = elapsedMs / 1000
  const answers = plan.target.kind === 'http'
  const { sent, accepted, rejected, refused, unsent, bytes } = tally
  const reached = plan.eventsMax === Infinity || sent === plan.eventsMax
  const percentile = (percent: number) => round(tally.requestMs(percent))
  // A file that is sent once is broken off by a stop, a time that is given may end early.
  const broken = interrupted && plan.file !== null && plan.durationMs === Infinity
  return {
    to: plan.target.url.href,
    complete:
      error === null && refused === 0 && unsent === 0 && !broken && (reached || plan.durationMs !== Infinity),
    interrupted,
    error,
    sent,
    accepted: answers ? accepted : null,
    rejected: answers ? rejected : null,
    refused,
    unsent,
    resent_requests: tally.resent,
    bytes,
    seconds: round(seconds),
    events_per_second: Math.round(seconds > 0 ? sent / seconds : 0),
    megabytes_per_second: round(seconds > 0 ? bytes / 1e6 / seconds : 0),
    request_ms:
      answers && tally.answers > 0 ? { p50: percentile(50), p95: percentile(95), p99: percentile(99) } : null,
    first_complaint: tally.firstComplaint === '' ? null : tally.firstComplaint,
  }
}

/** To thousandths. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** A table of at most so many columns. */
export function resultLines(result: SendResult, columns: number, paint: Paint): string[] {
  const rows = rowsOf(result)
  const left = Math.max(...rows.map(([label]) => label.length))
  const right = Math.max(...rows.map(([, figure]) => figure.length))
  const lines = rows.map(([label, figure, note]) => {
    const row = `  ${label.padEnd(left)}  ${figure.padStart(right)}`
    return columnsOf(row) + 2 + note.length < columns
      ? `${row}  ${note === '' ? '' : paint.quiet(note)}`.trimEnd()
      : row
  })
  const { first_complaint: complaint } = result
  if (complaint === null) return lines
  return [...lines, ...wrapWords(`the receiver said: ${complaint}`, columns - 3).map((line) => `  ${line}`)]
}

type Row = readonly [label: string, figure: string, note: string]

function rowsOf(result: SendResult): Row[] {
  const { accepted, rejected, refused, unsent, resent_requests: resent, request_ms: requestMs } = result
  const some = (count: number, row: Row): Row[] => (count > 0 ? [row] : [])
  return [
    [
      'sent',
      formatCount(result.sent),
      accepted === null ? 'given to the network: this protocol has no answers' : '',
    ],
    ...(accepted === null ? [] : [['accepted', formatCount(accepted), ''] as const]),
    ...(rejected === null
      ? []
      : [
          ['rejected', formatCount(rejected), rejected > 0 ? 'taken, and kept as dead letters' : ''] as const,
        ]),
    ...some(refused, ['refused', formatCount(refused), 'not taken']),
    ...some(unsent, ['given up', formatCount(unsent), 'on their way when the run was stopped']),
    ...some(resent, [
      'resent',
      formatCount(resent),
      'requests sent again, after 429, 503 or a broken connection',
    ]),
    ['bytes', formatCount(result.bytes), formatSize(result.bytes)],
    ['seconds', result.seconds.toFixed(2), ''],
    ['events/s', formatCount(result.events_per_second), ''],
    ['MB/s', result.megabytes_per_second.toFixed(1), ''],
    ...(requestMs === null
      ? []
      : (['p50', 'p95', 'p99'] as const).map((name): Row => [
          `POST ${name}`,
          formatLatency(requestMs[name]),
          name === 'p50' ? 'from a request to its answer' : '',
        ])),
  ]
}

export interface Progress {
  /** 0 to 1; undefined where the end is not known. */
  readonly share: number | undefined
  readonly sent: number
  readonly perSecond: number
  readonly resent: number
  readonly elapsedMs: number
}

/** One line for a pipe. */
export function progressText({ sent, perSecond, resent, share, elapsedMs }: Progress): string {
  const percent = share === undefined ? '' : ` ${Math.floor(share * 100)} %`
  const again = resent > 0 ? `, ${formatCount(resent)} requests sent again` : ''
  return `${Math.round(elapsedMs / 1000)} s${percent}: ${formatCount(sent)} sent, ${formatCount(perSecond)}/s${again}`
}

/** One line for a terminal. */
export function progressLine(progress: Progress, columns: number, glyphs: Glyphs, paint: Paint): string {
  const { sent, perSecond, share, resent } = progress
  const again = resent > 0 ? `  ${formatCount(resent)} again` : ''
  const text = `${formatCount(sent)} sent  ${formatCount(perSecond)}/s${again}`
  if (share === undefined) return paint.strong(text)
  const percent = `${Math.floor(share * 100)} %`.padStart(5)
  const room = columns - text.length - percent.length - 5
  const drawn = room >= 5 ? paint.accent(bar(share, Math.min(room, 40), glyphs)) : ''
  return `${drawn}${percent}  ${text}`
}
