/** One dead letter for people: who sent it, why it is here, what was tried, and the record with what is wrong in it. */
import { formatLetterId } from '../../dlq/letter-id.ts'
import { generalReason, wordsOf } from '../../dlq/failure.ts'
import type { LetterId } from '../../dlq/letter-id.ts'
import type { Letter } from '../../dlq/letter.ts'
import { formatCount } from '../terminal/figures.ts'
import type { Paint } from '../terminal/paint.ts'
import { printable, shortTime } from './printable.ts'
import { shownRecord } from './record-text.ts'

const LABEL_CHARS = 10

export function shownLetter(id: LetterId, letter: Letter, paint: Paint): string {
  const row = (label: string, text: string) => `${paint.quiet(label.padEnd(LABEL_CHARS))}${text}\n`
  const rows = [
    `${paint.strong(formatLetterId(id))}  ${paint.bad(printable(letter.category))}${whereOf(letter, paint)}\n`,
    row('received', `${shortTime(letter.received_at)} by ${printable(letter.source)}${fromOf(letter)}`),
  ]
  if (letter.schema !== undefined && letter.schema !== '') rows.push(row('schema', schemaOf(letter)))
  if (letter.sink === undefined) rows.push(row('expected', printable(letter.expected ?? '')))
  else rows.push(row('reason', deliveryOf(letter)), ...historyOf(letter).map((text) => row('', text)))
  const { lines, note } = shownRecord(letter, paint)
  rows.push(row('record', note), ...lines.map((line) => `${line}\n`))
  return rows.join('')
}

function whereOf({ path = '', sink }: Letter, paint: Paint): string {
  if (sink !== undefined) return ` by ${paint.accent(printable(sink))}`
  return path === '' ? '' : ` at ${paint.accent(printable(path))}`
}

function fromOf({ peer = '' }: Letter): string {
  return peer === '' ? '' : ` from ${printable(peer)}`
}

function schemaOf({ schema = '', schema_version: version }: Letter): string {
  return printable(version === undefined || version === '' ? schema : `${schema} (version ${version})`)
}

function deliveryOf({ attempts = 0, status, reason = '' }: Letter): string {
  const after = `after ${formatCount(attempts)} attempt${attempts === 1 ? '' : 's'}`
  const words = printable(wordsOf(reason, status))
  return `${after}${status === undefined ? '' : `, status ${status}`}: ${words}`
}

/** Attempts that went alike are one line, and what they say is left out where the letter has said it. */
function historyOf(letter: Letter): string[] {
  const said = generalReason(wordsOf(letter.reason ?? '', letter.status))
  const rows: { at: string; text: string; count: number }[] = []
  for (const { at, status, category, reason = '', count = 1 } of letter.history ?? []) {
    const what = [status, category].filter((part) => part !== undefined).join(' ')
    const words = wordsOf(reason, status)
    const text = words === '' || generalReason(words) === said ? what : `${what}: ${words}`
    const before = rows.at(-1)
    if (before?.text === text) Object.assign(before, { at, count: before.count + count })
    else rows.push({ at, text, count })
  }
  return rows.map(({ at, text, count }) => {
    const times = count === 1 ? '' : ` (${formatCount(count)} times)`
    return `${shortTime(at)}  ${printable(text)}${times}`
  })
}
