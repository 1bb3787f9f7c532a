/** `spillway dlq show`: single letters, for people. */
import { formatLetterId, withLetterId } from '../../dlq/letter-id.ts'
import { spwError } from '../../base/errors.ts'
import type { Selection } from '../../dlq/selection.ts'
import { standardOutput } from '../journal/open-journal.ts'
import type { Output } from '../journal/open-journal.ts'
import { createPaint, wantsColour } from '../terminal/paint.ts'
import { shownLetter } from './letter-text.ts'
import { damagedNote } from './ls-text.ts'
import { parseMax } from './selection-options.ts'
import { withLetters } from './with-letters.ts'
import type { LetterOptions } from './with-letters.ts'

export interface ShowOptions extends LetterOptions {
  readonly first?: string | undefined
  readonly color?: boolean | undefined
}

/** Prints the letters. Resolves to the exit code: 1 where one of the ids is none of a letter in the queue. */
export function dlqShowCommand(
  ids: readonly string[],
  options: ShowOptions,
  output: Output = standardOutput,
): Promise<0 | 1 | 2> {
  return withLetters(options, ids, output, async (view) => {
    const coloured =
      output === standardOutput && wantsColour(process.stdout, options.color !== false, process.env)
    const paint = createPaint(coloured)
    const reader = view.reader({ selection: { ...view.selection, max: mostShown(ids, options) } })
    const missing = new Set(view.selection.ids?.map(formatLetterId))
    let shown = 0
    for await (const { id, letter, line } of reader) {
      missing.delete(formatLetterId(id))
      output.out(
        options.json === true
          ? `${withLetterId(id, line).toString()}\n`
          : `${shown === 0 ? '' : '\n'}${shownLetter(id, letter, paint)}`,
      )
      shown++
    }
    output.err(damagedNote(reader))
    for (const { file, line } of reader.damaged) missing.delete(formatLetterId({ file, line }))
    for (const id of missing) output.err(`${id}: no letter of that number is in the queue\n`)
    if (shown === 0 && missing.size === 0) output.err('no letter is like that\n')
    return missing.size > 0 ? 1 : 0
  })
}

function mostShown(ids: readonly string[], { first }: ShowOptions): Selection['max'] {
  if (first === undefined) return ids.length > 0 ? undefined : 1
  if (ids.length === 0) return parseMax('--first', first)
  throw spwError('SPW_ERR_OPTION_INVALID', { option: '--first', reason: 'not together with ids' })
}
