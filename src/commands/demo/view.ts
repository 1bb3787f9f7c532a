/** The picture of the demonstration: what the collector shows of itself, in lines that fit the terminal. */
import { formatClock, formatCount, formatLatency, formatSize } from '../terminal/figures.ts'
import { bar, sparkline, wrapWords } from '../terminal/graphics.ts'
import type { Glyphs } from '../terminal/graphics.ts'
import type { Meaning, Paint } from '../terminal/paint.ts'
import type { Reading } from './gauges.ts'
import { siemEventsPerSecond, spikeAt } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import type { SiemReport } from './siem.ts'
import type { TrafficReport } from './traffic.ts'

export interface View {
  readonly scenario: Scenario
  readonly elapsedMs: number
  /** Draining: the senders are done, or were stopped. */
  readonly phase: 'running' | 'draining' | 'over'
  readonly reading: Reading
  readonly traffic: TrafficReport | null
  readonly siem: SiemReport
  /** Events a second, one after another. */
  readonly history: { readonly received: readonly number[]; readonly delivered: readonly number[] }
  readonly dashboard: string
}

/** How the lines look. */
export interface Look {
  readonly columns: number
  readonly glyphs: Glyphs
  readonly paint: Paint
}

const NARROW_COLUMNS = 66
const LABEL_COLUMNS = 9
const FIGURE_COLUMNS = 10
/** The arena is nearly full, of which a part is kept in reserve. */
const NEARLY_FULL_SHARE = 0.6
/** Senders that have to wait no longer than this are not behind. */
const BEHIND_S = 0.3

export function viewLines(view: View, look: Look): string[] {
  const { paint, columns } = look
  const { reading } = view
  const row = (label: string, text: string) => ` ${paint.quiet(label.padEnd(LABEL_COLUMNS))}${text}`
  const narrow = columns < NARROW_COLUMNS
  const resident = `${formatSize(reading.residentBytes)} in all, ${formatSize(reading.residentBytesPeak)} at most`
  return [
    heading(view, paint, narrow),
    '',
    ...flowLines(view, look),
    '',
    row('senders', sendersText(view, paint)),
    row('SIEM', siemText(view, paint)),
    row('latency', latencyText(reading, narrow)),
    row('rejected', rejectedText(reading, paint, narrow)),
    row('memory', narrow ? formatSize(reading.residentBytes) : `${resident}, senders and SIEM included`),
    row('ledger', ledgerText(reading, paint, narrow)),
    '',
    ...(view.phase === 'over' ? [] : captionLines(view, look)),
  ]
}

function captionLines(view: View, { columns, paint }: Look): string[] {
  return [
    ...wrapWords(narration(view), columns - 2).map((line) => ` ${paint.strong(line)}`),
    ...wrapWords(`Ctrl-C ends it. The collector's own page: ${view.dashboard}`, columns - 2).map((line) => {
      return ` ${paint.quiet(line)}`
    }),
  ]
}

function heading({ scenario, elapsedMs, phase }: View, paint: Paint, narrow: boolean): string {
  const clock = `${formatClock(Math.min(elapsedMs, scenario.durationMs))} of ${formatClock(scenario.durationMs)}`
  const scene =
    phase !== 'running' ? 'the end' : spikeAt(scenario, elapsedMs) ? `spike ${scenario.spike}x` : ''
  const title = narrow ? ' Spillway' : ' Spillway, a demonstration'
  return `${paint.strong(title)}  ${clock}  ${paint.busy(scene)}`
}

/** In, held, out: the dam, from above. */
function flowLines({ reading, scenario, history }: View, { columns, glyphs, paint }: Look): string[] {
  const room = columns - LABEL_COLUMNS - FIGURE_COLUMNS - 5
  const highest = Math.max(scenario.eventsPerSecond * scenario.spike, ...history.received.slice(-room))
  const line = (label: string, figure: string, picture: string) =>
    ` ${paint.strong(label.padEnd(LABEL_COLUMNS))}${figure.padStart(FIGURE_COLUMNS)}  ${picture}`
  const graph = (values: readonly number[]) => paint.accent(sparkline(values, room, highest, glyphs))
  const { arenaUsedShare: share, arenaBytes, heldBack } = reading
  const size = columns < NARROW_COLUMNS ? '' : ` of ${formatSize(arenaBytes)}`
  const filled = ` ${Math.round(share * 100)} %${size}`.padStart(5)
  const colour: Meaning = heldBack ? 'bad' : share > NEARLY_FULL_SHARE ? 'busy' : 'good'
  return [
    line('in', `${formatCount(reading.receivedPerSecond)}/s`, graph(history.received)),
    line(
      'held',
      formatCount(reading.held),
      paint[colour](bar(share, Math.max(3, Math.min(40, room - filled.length)), glyphs)) + filled,
    ),
    line('out', `${formatCount(reading.deliveredPerSecond)}/s`, graph(history.delivered)),
  ]
}

function sendersText({ reading, traffic, phase, scenario }: View, paint: Paint): string {
  if (phase !== 'running') return 'done'
  const waiting = traffic?.waiting ?? 0
  if (reading.heldBack) return `${paint.bad('held back')}, ${formatCount(waiting)} events wait`
  return waiting > scenario.eventsPerSecond * BEHIND_S
    ? `${paint.busy('catching up')}, ${formatCount(waiting)} wait`
    : paint.good('sending freely')
}

function siemText({ siem: { mood }, reading }: View, paint: Paint): string {
  const { siemPauseMs: pauseMs } = reading
  const pause = pauseMs > 0 ? `, asks for a pause: ${formatLatency(pauseMs)}` : ''
  if (mood.kind === 'throttling') return `${paint.bad('throttling')}: it answers ${mood.status}${pause}`
  if (mood.kind === 'slow') return `${paint.busy('slow')}: ${formatLatency(mood.delayMs)} for each answer`
  return pause === '' ? paint.good('takes what it is given') : `${paint.busy('throttled')}${pause}`
}

function latencyText({ p50Ms, p99Ms }: Reading, narrow: boolean): string {
  if (Number.isNaN(p99Ms)) return '-'
  return `${narrow ? '' : `p50 within ${formatLatency(p50Ms)}, `}p99 within ${formatLatency(p99Ms)}`
}

function rejectedText({ rejected }: Reading, paint: Paint, narrow: boolean): string {
  if (rejected === 0) return '0'
  const count = paint.busy(formatCount(rejected))
  return narrow ? `${count} malformed` : `${count} malformed, kept as dead letters with the reason`
}

function ledgerText(
  { received, accepted, rejected, imbalances }: Reading,
  paint: Paint,
  narrow: boolean,
): string {
  const balanced = imbalances.length === 0
  const verdict = balanced ? paint.good('balanced') : paint.bad('NOT BALANCED')
  const [in_, ok, no] = [received, accepted, rejected].map(formatCount)
  return narrow ? verdict : `${in_} in = ${ok} accepted + ${no} rejected: ${verdict}`
}

/** One sentence on what there is to see. */
export function narration({ scenario, elapsedMs, phase, reading, siem }: View): string {
  if (phase !== 'running')
    return 'The senders are done. What is held is delivered before the collector stops.'
  if (reading.heldBack)
    return 'The memory is full: senders are told to wait, by 429, 503 or an unread socket. Nothing is dropped.'
  if (siem.mood.kind === 'throttling' || reading.siemPauseMs > 0)
    return 'The SIEM turns batches away. They wait in memory and are sent again.'
  if (siem.mood.kind === 'slow') return 'The SIEM answers slowly. What it cannot take yet waits in memory.'
  if (spikeAt(scenario, elapsedMs))
    return "A spike, some of it malformed. What is beyond the SIEM's pace waits in memory."
  const pace = siemEventsPerSecond(scenario)
  if (reading.held > pace / 2)
    return `The flood has passed. What is held flows out at the SIEM's pace, ${formatCount(pace)}/s.`
  return 'An ordinary day: events come in, are checked, and leave in batches within a moment.'
}

/** The same in one line of ASCII, for a pipe. */
export function viewText({ elapsedMs, reading, siem, traffic, phase, scenario }: View): string {
  const { arenaUsedShare: share, p99Ms } = reading
  const mood = siem.mood.kind === 'throttling' ? `throttling (${siem.mood.status})` : siem.mood.kind
  const parts = [
    `${Math.round(elapsedMs / 1000)} s`,
    `in ${formatCount(reading.receivedPerSecond)}/s`,
    `held ${formatCount(reading.held)} (${Math.round(share * 100)} %)`,
    `out ${formatCount(reading.deliveredPerSecond)}/s`,
    `p99 within ${formatLatency(p99Ms)}`,
    `SIEM ${mood}`,
    ...(spikeAt(scenario, elapsedMs) ? ['spike'] : []),
    ...(reading.heldBack ? [`senders wait (${formatCount(traffic?.waiting ?? 0)})`] : []),
    ...(phase === 'running' ? [] : [phase]),
  ]
  return parts.join(', ')
}
