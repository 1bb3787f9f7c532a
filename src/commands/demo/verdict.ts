/** How the demonstration ended: both sides of each equation, and whether they are equal. */
import { formatCount, formatLatency, formatSize } from '../terminal/figures.ts'
import { columnsOf, wrapWords } from '../terminal/graphics.ts'
import type { Paint } from '../terminal/paint.ts'
import type { Reading } from './gauges.ts'
import type { SiemReport } from './siem.ts'
import type { TrafficReport } from './traffic.ts'

/** As `--json` prints it. */
export interface Verdict {
  readonly balanced: boolean
  readonly interrupted: boolean
  readonly seconds: number
  readonly senders: {
    readonly sent: number
    readonly malformed_on_purpose: number
    readonly given_up: number
    readonly resent_requests: number
    readonly held_back_seconds: number
  }
  readonly ledger: {
    readonly received: number
    readonly accepted: number
    readonly rejected: number
    readonly rejected_by_category: Readonly<Record<string, number>>
    readonly delivered: number
    readonly held: number
    readonly dead_lettered: number
    readonly imbalances: Reading['imbalances']
  }
  readonly siem: {
    readonly unique: number
    readonly repeats: number
    readonly strange: number
    readonly requests_turned_away: number
    readonly requests_slow: number
  }
  /** Half, and 99 %, of the events were delivered within so many milliseconds. */
  readonly latency_ms_at_most: { readonly p50: number | null; readonly p99: number | null }
  readonly resident_bytes_peak: number
  readonly arena_bytes: number
}

export interface Outcome {
  readonly interrupted: boolean
  readonly elapsedMs: number
  readonly traffic: TrafficReport
  readonly reading: Reading
  readonly siem: SiemReport
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number }
}

export function verdictOf({ interrupted, elapsedMs, traffic, reading, siem, latency }: Outcome): Verdict {
  const { received, accepted, rejected, delivered, held, deadLettered, imbalances } = reading
  return {
    balanced:
      traffic.sent === received &&
      traffic.malformed === rejected &&
      received === accepted + rejected &&
      accepted === delivered &&
      delivered === siem.unique &&
      siem.strange === 0 &&
      imbalances.length === 0,
    interrupted,
    seconds: Math.round(elapsedMs / 100) / 10,
    senders: {
      sent: traffic.sent,
      malformed_on_purpose: traffic.malformed,
      given_up: traffic.unsent + traffic.refused,
      resent_requests: traffic.resent,
      held_back_seconds: Math.round(reading.heldBackS * 10) / 10,
    },
    ledger: {
      received,
      accepted,
      rejected,
      rejected_by_category: reading.rejectedByCategory,
      delivered,
      held,
      dead_lettered: deadLettered,
      imbalances,
    },
    siem: {
      unique: siem.unique,
      repeats: siem.repeats,
      strange: siem.strange,
      requests_turned_away: siem.turnedAway,
      requests_slow: siem.slowRequests,
    },
    latency_ms_at_most: { p50: milliseconds(latency.p50Ms), p99: milliseconds(latency.p99Ms) },
    resident_bytes_peak: reading.residentBytesPeak,
    arena_bytes: reading.arenaBytes,
  }
}

/** null where there is none. */
function milliseconds(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value) : null
}

type Row = readonly [label: string, count: number, note: string]

const COUNT_COLUMNS = 11

/** The ledger in words, in lines of at most so many columns. */
export function verdictLines(verdict: Verdict, columns: number, paint: Paint): string[] {
  const groups = rowsOf(verdict)
  const labelColumns = Math.min(
    Math.max(...groups.flat().map(([label]) => label.length)),
    columns - COUNT_COLUMNS - 4,
  )
  const line = ([label, count, note]: Row) => {
    const text = `  ${label.padEnd(labelColumns)}${formatCount(count).padStart(COUNT_COLUMNS)}`
    return columnsOf(text) + 2 + note.length < columns
      ? `${text}  ${note === '' ? '' : paint.quiet(note)}`.trimEnd()
      : text
  }
  const words = (text: string) => wrapWords(text, columns - 3).map((part) => `  ${part}`)
  const closing = verdict.balanced
    ? words('Balanced: no event is missing, and none was invented.').map((part) => paint.good(part))
    : words('NOT BALANCED: please report this, with this table.').map((part) => paint.bad(part))
  return [
    paint.strong(' The ledger: where every event went'),
    '',
    ...groups.flatMap((rows) => rows.map(line).concat('')),
    ...closing,
    ...verdict.ledger.imbalances.flatMap(({ where, left, right }) =>
      words(`${where}: ${left} is not ${right}`),
    ),
    '',
    ...words(hardshipText(verdict)).map((part) => paint.quiet(part)),
    '',
    ...nextLines(columns, paint),
  ]
}

function rowsOf({ senders, ledger, siem }: Verdict): Row[][] {
  const some = (count: number, row: Row): Row[] => (count > 0 ? [row] : [])
  const reasons = Object.entries(ledger.rejected_by_category)
    .map(([category, count]) => `${category} ${formatCount(count)}`)
    .join(', ')
  return [
    [
      [
        'sent by the senders',
        senders.sent,
        `of them malformed on purpose: ${formatCount(senders.malformed_on_purpose)}`,
      ],
      ...some(senders.given_up, [
        'not sent, given up',
        senders.given_up,
        'at the stop; never taken, so not in this ledger',
      ]),
    ],
    [
      ['= received', ledger.received, ''],
      ['    accepted', ledger.accepted, ''],
      ['  + rejected', ledger.rejected, reasons],
    ],
    [
      ['accepted', ledger.accepted, ''],
      ['  = delivered', ledger.delivered, 'the SIEM said yes to them'],
      ['  + still held', ledger.held, ''],
      ['  + given up', ledger.dead_lettered, ''],
    ],
    [
      ['counted by the SIEM', siem.unique, 'each by its own number'],
      ['seen twice', siem.repeats, siem.repeats > 0 ? 'an answer got lost, and they were sent again' : ''],
      ...some(siem.strange, ['never sent', siem.strange, 'the SIEM has them from nowhere']),
    ],
  ]
}

function hardshipText({
  senders,
  siem,
  latency_ms_at_most: latency,
  resident_bytes_peak: peak,
  arena_bytes: arena,
}: Verdict): string {
  const { requests_turned_away: away, requests_slow: slow } = siem
  const parts = [
    `The SIEM turned ${counted(away, 'request')} away and was slow for ${formatCount(slow)}.`,
    senders.held_back_seconds > 0
      ? `Senders were held back for ${senders.held_back_seconds.toFixed(1)} s; ${resentText(senders.resent_requests)}`
      : '',
    latency.p50 === null || latency.p99 === null
      ? ''
      : `Half of the events were delivered within ${formatLatency(latency.p50)}, 99 % within ${formatLatency(latency.p99)}.`,
    `The process took ${formatSize(peak)} of memory at most, senders and SIEM included; ${formatSize(arena)} of it held events.`,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function resentText(requests: number): string {
  if (requests === 0) return 'no POST was turned away.'
  return `${counted(requests, 'POST')} ${requests === 1 ? 'was' : 'were'} told to come back later, and did.`
}

/** `1 request`, `2 requests`. */
function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

function nextLines(columns: number, paint: Paint): string[] {
  const commands: readonly (readonly [string, string])[] = [
    ['npx spillway run', 'a collector of your own'],
    ['npx spillway send --count 100k', 'in another terminal: send it events'],
    ['npx spillway check', 'its configuration and memory, to start from'],
  ]
  const width = Math.max(...commands.map(([command]) => command.length))
  return [
    paint.strong(' What to try next'),
    ...commands.map(([command, note]) => {
      const text = `  ${paint.accent(command)}`
      return width + note.length + 6 < columns
        ? `${text}${' '.repeat(width - command.length)}  ${paint.quiet(note)}`
        : text
    }),
  ]
}
