import { formatLetterId } from '../../dlq/letter-id.ts'
import type { LetterReader } from '../../dlq/letter-reader.ts'
import type { Selection } from '../../dlq/selection.ts'
import { LetterCounts } from '../../dlq/summary.ts'
import type { FailureCounts, Grouping, Groups, LetterSummary } from '../../dlq/summary.ts'
import { table } from '../journal/table.ts'
import { formatCount, formatSize } from '../terminal/figures.ts'
import type { Paint } from '../terminal/paint.ts'
import { printable, shortTime } from './printable.ts'

/** Rows of a table of groups; the rest is one row. */
const ROWS_MAX = 48
const NOTE_CHARS_MAX = 160
const INDENT = ' '.repeat(11)

export interface ShownSummary {
  readonly directory: string
  /** There may be letters that were not asked for. */
  readonly isSelection: boolean
  /** Only by this; null: by everything, with what fails most. */
  readonly by: Grouping | null
  readonly top: number
  readonly paint: Paint
}

export function shownSummary(summary: LetterSummary, asked: ShownSummary): string {
  const { all, by, failures } = summary
  const { directory, paint } = asked
  if (all.letters === 0) return `no dead letters${asked.isSelection ? ' of that kind' : ''} in ${directory}\n`
  const head = `${letters(all.letters)}, ${formatSize(all.bytes)}, received ${span(all)}, in ${directory}\n`
  if (asked.by !== null) return `${paint.strong(head)}\n${groupTable(by[asked.by], asked.by)}`
  const parts = [paint.strong(head), groupTable(by.category, 'category'), groupTable(by.source, 'source')]
  if (by.sink.sorted().length > 0) parts.push(groupTable(by.sink, 'sink'))
  parts.push(failureList(failures, asked))
  return parts.join('\n')
}

/** Hours as they follow each other; else most letters first. */
export function groupsInOrder(groups: Groups<LetterCounts>, grouping: Grouping): [string, LetterCounts][] {
  const sorted = groups.sorted()
  return grouping === 'hour' ? sorted.toSorted(([a], [b]) => (a < b ? -1 : 1)) : sorted
}

/** All failures behind the top ones, counted together. */
export function failuresFrom(failures: Groups<FailureCounts>, top: number): LetterCounts {
  const rest = new LetterCounts()
  for (const [, group] of failures.sorted().slice(top)) rest.add(group)
  rest.add(failures.others)
  return rest
}

/** Names lines that are no letters; '' where there are none. */
export function damagedNote({ damagedCount, damaged }: LetterReader): string {
  if (damagedCount === 0) return ''
  const more = damagedCount > damaged.length ? ', ...' : ''
  const lines = damagedCount === 1 ? 'line is' : 'lines are'
  return `${formatCount(damagedCount)} ${lines} damaged, no letters: ${damaged.map(formatLetterId).join(', ')}${more}\n`
}

/** How many of the ids that were named `found` letters leave; '' where none were named, or all are there. */
export function missingNote({ ids = [] }: Selection, found: number): string {
  const asked = new Set(ids.map(formatLetterId)).size
  const missing = asked - found
  if (missing <= 0) return ''
  return `${formatCount(missing)} of ${formatCount(asked)} ids ${missing === 1 ? 'is' : 'are'} of no such letter in the queue\n`
}

export function letters(count: number): string {
  return `${formatCount(count)} dead letter${count === 1 ? '' : 's'}`
}

function groupTable(groups: Groups<LetterCounts>, grouping: Grouping): string {
  const ordered = groupsInOrder(groups, grouping)
  const rest = new LetterCounts()
  for (const [, counts] of ordered.slice(ROWS_MAX)) rest.add(counts)
  rest.add(groups.others)
  if (ordered.length === 0) return `none of them has a ${grouping}\n`
  const rows = ordered.slice(0, ROWS_MAX).map(([name, counts]) => groupRow(printable(name), counts))
  if (rest.letters > 0) rows.push(groupRow('(others)', rest))
  return table([grouping, 'letters', 'size', 'first seen', 'last seen'], rows)
}

function groupRow(name: string, { letters: count, bytes, first, last }: LetterCounts): (string | number)[] {
  return [name, count, formatSize(bytes).padStart(8), shortTime(first), shortTime(last)]
}

function failureList(failures: Groups<FailureCounts>, { top, paint }: ShownSummary): string {
  const sorted = failures.sorted()
  const rest = failuresFrom(failures, top)
  const blocks = sorted.slice(0, top).map(([, group]) => failureBlock(group, paint))
  const more = rest.letters === 0 ? '' : `${counted(rest.letters)}  for other causes (--top shows more)\n`
  return [`${paint.strong('what fails most')}\n`, ...blocks, more].join('')
}

function failureBlock(group: FailureCounts, paint: Paint): string {
  const sources = [...group.sources].map(printable).join(', ')
  const where = `${sources}, ${span(group)}`
  const { values, keys, example, sample } = group
  const notes = [
    ...(values.size === 0 ? [] : [`found ${[...values].map(printable).join(' | ')}`]),
    ...(keys.length === 0 ? [] : [`keys there: ${shortened(keys.map(printable).join(', '))}`]),
  ]
  return (
    `${paint.bad(counted(group.letters))}  ${failureTitle(group, paint)}\n` +
    `${INDENT}${paint.quiet(where)}\n` +
    notes.map((note) => `${INDENT}${note}\n`).join('') +
    `${INDENT}${paint.quiet(`such as ${formatLetterId(example)}`)}  ${printable(sample)}\n`
  )
}

function shortened(text: string): string {
  return text.length > NOTE_CHARS_MAX ? `${text.slice(0, NOTE_CHARS_MAX)}...` : text
}

function failureTitle({ failure }: FailureCounts, paint: Paint): string {
  const { category, path, expected, sink, status, reason } = failure
  const pointer = path === '' ? '' : ` ${paint.accent(printable(path))}`
  if (sink === '') return `${category}${pointer} ${printable(expected)}`
  return `${category} by ${paint.accent(sink)}${status === 0 ? '' : ` ${status}`}: ${printable(reason)}`
}

function span({ first, last }: LetterCounts): string {
  if (first === last) return shortTime(first)
  const sameDay = first.slice(0, 10) === last.slice(0, 10)
  return `${shortTime(first)} to ${sameDay ? shortTime(last).slice(11) : shortTime(last)}`
}

function counted(count: number): string {
  return formatCount(count).padStart(INDENT.length - 2)
}
