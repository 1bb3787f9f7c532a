/** `spillway dlq ls`: how many dead letters there are, of what kind, and what fails most. */
import { spwError } from '../../base/errors.ts'
import { formatLetterId } from '../../dlq/letter-id.ts'
import type { LetterReader } from '../../dlq/letter-reader.ts'
import { isEverything } from '../../dlq/selection.ts'
import { GROUPINGS, LetterSummary } from '../../dlq/summary.ts'
import type { FailureCounts, Grouping, Groups, LetterCounts } from '../../dlq/summary.ts'
import { standardOutput } from '../journal/open-journal.ts'
import type { Output } from '../journal/open-journal.ts'
import { createPaint, wantsColour } from '../terminal/paint.ts'
import { damagedNote, failuresFrom, groupsInOrder, shownSummary } from './ls-text.ts'
import { parseMax } from './selection-options.ts'
import { withLetters } from './with-letters.ts'
import type { LetterOptions } from './with-letters.ts'

export interface LsOptions extends LetterOptions {
  readonly by?: string | undefined
  readonly top?: string | undefined
  readonly color?: boolean | undefined
}

const TOP = 10

/** Prints counts and the top failures. Resolves to the exit code. */
export function dlqLsCommand(options: LsOptions, output: Output = standardOutput): Promise<0 | 1 | 2> {
  return withLetters(options, [], output, async (view) => {
    const by = parseGrouping(options.by)
    const top = options.top === undefined ? TOP : parseMax('--top', options.top)
    const summary = new LetterSummary()
    const reader = view.reader({ withoutRecords: true })
    for await (const found of reader) summary.add(found)
    const coloured =
      output === standardOutput && wantsColour(process.stdout, options.color !== false, process.env)
    if (options.json === true) {
      output.out(`${JSON.stringify(listing(summary, reader, by, top), undefined, 2)}\n`)
      return 0
    }
    const { directory, selection } = view
    const isSelection = !isEverything(selection)
    output.out(shownSummary(summary, { directory, isSelection, by, top, paint: createPaint(coloured) }))
    output.err(damagedNote(reader))
    return 0
  })
}

function parseGrouping(by: string | undefined): Grouping | null {
  if (by === undefined) return null
  const grouping = GROUPINGS.find((one) => one === by)
  if (grouping !== undefined) return grouping
  throw spwError('SPW_ERR_OPTION_INVALID', {
    option: '--by',
    reason: `${by} is none of ${GROUPINGS.join(', ')}`,
  })
}

function listing(summary: LetterSummary, reader: LetterReader, by: Grouping | null, top: number) {
  const groupings = by === null ? GROUPINGS : [by]
  return {
    ...countsOf(summary.all),
    damaged: reader.damagedCount,
    ...Object.fromEntries(groupings.map((grouping) => [grouping, groupsOf(summary.by[grouping], grouping)])),
    failures: summary.failures
      .sorted()
      .slice(0, top)
      .map(([, group]) => failureJson(group)),
    further_failures: countsOf(failuresFrom(summary.failures, top)),
  }
}

function groupsOf(groups: Groups<LetterCounts>, grouping: Grouping) {
  const rows = groupsInOrder(groups, grouping).map(([name, counts]) =>
    Object.assign({ [grouping]: name }, countsOf(counts)),
  )
  return groups.others.letters === 0 ? rows : [...rows, { others: true, ...countsOf(groups.others) }]
}

function failureJson(group: FailureCounts) {
  const { category, path, expected, sink, status, reason } = group.failure
  return {
    category,
    ...(sink === '' ? { path, expected } : { sink, ...(status === 0 ? undefined : { status }), reason }),
    sources: [...group.sources],
    ...countsOf(group),
    values: [...group.values],
    keys: group.keys,
    example: formatLetterId(group.example),
    sample: group.sample,
  }
}

function countsOf({ letters, bytes, first, last }: LetterCounts) {
  return { letters, bytes, first_seen: first || null, last_seen: last || null }
}
