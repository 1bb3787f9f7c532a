import { recordOf } from '../../dlq/letter.ts'
import type { Letter } from '../../dlq/letter.ts'
import { formatCount } from '../terminal/figures.ts'
import type { Paint } from '../terminal/paint.ts'
import { printable } from './printable.ts'

/** Longer records are shown so far, and `--json` has all of it. */
const LINES_MAX = 200
const LINE_CHARS_MAX = 400
const ROW_BYTES = 16
const INDENT = '  '
const MARK = '> '

export interface ShownRecord {
  /** How long it is, and what can't be shown of it. */
  readonly note: string
  readonly lines: readonly string[]
}

/** JSON is laid out with the failing line marked, other text is shown as it is, bytes that are no text in hexadecimal. */
export function shownRecord(letter: Letter, paint: Paint): ShownRecord {
  const record = recordOf(letter)
  if (record === null) return { note: 'none', lines: [] }
  const { truncated = false, length = record.length } = letter
  const cut = truncated ? `, of which the first ${formatCount(record.length)} were kept` : ''
  const note = `${formatCount(length)} byte${length === 1 ? '' : 's'}${cut}`
  if (letter.record === undefined) return { note: `${note}, not UTF-8`, lines: bounded(hexLines(record)) }
  const document = truncated ? undefined : parsed(letter.record)
  if (document === undefined) return { note, lines: bounded(textLines(letter.record)) }
  const lines = jsonLines(document.value, letter.path ?? '')
  return { note, lines: bounded(lines.map(({ text, failing }) => (failing ? paint.bad(text) : text))) }
}

interface JsonLine {
  readonly text: string
  readonly failing: boolean
}

/** As `JSON.stringify` with an indent of two, the line that the pointer leads to marked, or told of where it is missing. */
function jsonLines(value: unknown, pointer: string): JsonLine[] {
  const lines: JsonLine[] = []
  const sought = pointer === '' ? null : pointer
  let found = sought === null
  const visit = (key: string, inner: unknown, at: string, depth: number, comma: string) => {
    const failing = at === sought
    found ||= failing
    const push = (text: string, marked = failing) => {
      lines.push({
        text: `${marked ? MARK : INDENT}${INDENT.repeat(depth)}${printable(text)}`,
        failing: marked,
      })
    }
    const entries = entriesOf(inner)
    if (entries === null || entries.length === 0) {
      push(`${key}${shortened(JSON.stringify(inner))}${comma}`)
      return
    }
    const [open, close] = Array.isArray(inner) ? ['[', ']'] : ['{', '}']
    push(`${key}${open}`)
    for (const [index, [name, child]] of entries.entries()) {
      if (lines.length > LINES_MAX && found) break
      const childKey = Array.isArray(inner) ? '' : `${JSON.stringify(name)}: `
      const childAt = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      visit(childKey, child, childAt, depth + 1, index === entries.length - 1 ? '' : ',')
    }
    push(`${close}${comma}`, false)
  }
  visit('', value, '', 0, '')
  if (!found) lines.push({ text: `${MARK}${printable(pointer)} is not there`, failing: true })
  return lines
}

function entriesOf(value: unknown): [string, unknown][] | null {
  return typeof value === 'object' && value !== null ? Object.entries(value) : null
}

function textLines(text: string): string[] {
  return text.split('\n').map((line) => `${INDENT}${printable(line.replace(/\r$/, ''))}`)
}

/** `00000010  7b 22 61 22 ...  {"a"...` */
function hexLines(bytes: Buffer): string[] {
  const lines: string[] = []
  for (let at = 0; at < bytes.length && lines.length <= LINES_MAX; at += ROW_BYTES) {
    const row = bytes.subarray(at, at + ROW_BYTES)
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')
    lines.push(`${INDENT}${at.toString(16).padStart(8, '0')}  ${hex.padEnd(ROW_BYTES * 3)} ${text}`)
  }
  return lines
}

function bounded(lines: readonly string[]): string[] {
  const shown = lines.slice(0, LINES_MAX).map(shortened)
  return lines.length > LINES_MAX ? [...shown, `${INDENT}... (--json shows all of it)`] : shown
}

function shortened(text: string): string {
  return text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)}...` : text
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
