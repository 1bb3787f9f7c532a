import type { Letter } from './letter.ts'

/** What letters that failed for the same cause have in common. */
export interface Failure {
  readonly category: string
  /** JSON pointer to what was wrong, `*` in place of array indexes; '' for the record as a whole. */
  readonly path: string
  readonly expected: string
  /** Of what was given up at delivery; '' and 0 where there is none. */
  readonly sink: string
  readonly status: number
  /** The destination's words, with `*` for what differs from event to event. */
  readonly reason: string
}

export function failureOf(letter: Letter): Failure {
  const { category, path = '', expected = '', sink = '', status = 0, reason = '' } = letter
  return {
    category,
    path: withoutIndexes(path),
    expected,
    sink,
    status,
    reason: generalReason(wordsOf(reason, status)),
  }
}

/** The same mistake in another element of an array is the same. */
export function withoutIndexes(path: string): string {
  return /\/\d/.test(path) ? path.replace(/\/\d+(?=\/|$)/g, '/*') : path
}

/** What is quoted as a value or an id is of one event; the name of a field or an index is not. */
const QUOTED = /\b(value|id|key|token)(s?\W{1,4})(['"])(?:(?!\3).)*\3/gi
/** Words with a digit: numbers, times, addresses, ids. */
const WITH_DIGIT = /\b[\w-]*\d[\w.:+-]*/g
/** Shorter words that have letters, too, are names: `ipv4`, `x509`. */
const ID_CHARS_MIN = 8

let lastReason = ''
let lastGeneral = ''

/** A destination's words without the status before them, which is told beside. */
export function wordsOf(reason: string, status: number | undefined): string {
  const before = `HTTP ${status}: `
  return reason.startsWith(before) ? reason.slice(before.length) : reason
}

/** With `*` for what differs from event to event. */
export function generalReason(reason: string): string {
  if (reason === '') return ''
  if (reason !== lastReason) {
    lastReason = reason
    lastGeneral = reason
      .replace(QUOTED, '$1$2$3*$3')
      .replace(WITH_DIGIT, (word) => (word.length >= ID_CHARS_MIN || !/[a-z]/i.test(word) ? '*' : word))
  }
  return lastGeneral
}

/** The value that a JSON pointer (RFC 6901) leads to; undefined where it leads nowhere. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    value = memberOf(value, key)
  }
  return value
}

function memberOf(parent: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(parent, key)?.value
}
