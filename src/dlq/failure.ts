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
  return { category, path: withoutIndexes(path), expected, sink, status, reason: generalReason(reason) }
}

// The same mistake in another element of an array is the same.
function withoutIndexes(path: string): string {
  return /\/\d/.test(path) ? path.replace(/\/\d+(?=\/|$)/g, '/*') : path
}

/** In this order: what is longer first, so that its parts are not taken for something else. */
const PARTICULARS: readonly (readonly [RegExp, string])[] = [
  // What is quoted as a value or an id is of one event; a field's or an index's name is not.
  [/\b(value|id|_id|key|token)(s?\W{1,4})'[^']*'/gi, "$1$2'*'"],
  [/\b(value|id|_id|key|token)(s?\W{1,4})"[^"]*"/gi, '$1$2"*"'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.,]*(?:Z|[+-]\d\d:?\d\d)?/g, '*'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '*'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '*'],
  // Words of letters and digits, as ids have them.
  [/\b(?=\w*\d)(?=\w*[a-z])[\w-]{8,}\b/gi, '*'],
  [/\b\d+(?:\.\d+)?\b/g, '*'],
]

let lastReason = ''
let lastGeneral = ''

function generalReason(reason: string): string {
  if (reason === '') return ''
  if (reason !== lastReason) {
    lastReason = reason
    lastGeneral = PARTICULARS.reduce((text, [what, by]) => text.replace(what, by), reason)
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
