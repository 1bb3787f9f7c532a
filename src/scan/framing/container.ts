import { MALFORMED, skipBlanks, skipString, skipValue, TOO_DEEP, TRUNCATED } from '../skip.ts'
import { Nesting, UNENDED } from './nesting.ts'

/** The document is no container: a record itself, or malformed. */
export const NO_CONTAINER = -1
/** What was seen of it doesn't tell. */
export const CUT = -2

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

/** Keys of a path as they must be written: quoted, without escapes. */
const writtenKeys = new WeakMap<readonly string[], readonly Uint8Array[]>()
const nesting = new Nesting()

/**
 * Whether the object at `at` holds an array where `path` leads, key by key through its objects; the first of several
 * equal keys counts. The offset behind that "[", or NO_CONTAINER, or CUT where it isn't decided within [at, window). What
 * stands before the array is checked, what stands in it and behind it is not looked at. No path, or one of no keys, leads
 * to no array.
 */
export function insideContainer(
  bytes: Uint8Array,
  at: number,
  window: number,
  path: readonly string[],
  maxDepth: number,
): number {
  const keys = keysOf(path)
  for (const [index, key] of keys.entries()) {
    at = valueOf(bytes, at + 1, window, key, maxDepth)
    if (at < 0) return at
    if (bytes[at] !== (index + 1 < keys.length ? OPEN_OBJECT : OPEN_ARRAY)) return NO_CONTAINER
  }
  return keys.length > 0 ? at + 1 : NO_CONTAINER
}

/** Offset of the value of `key` in the object whose "{" stands before `at`. */
function valueOf(bytes: Uint8Array, at: number, window: number, key: Uint8Array, maxDepth: number): number {
  for (;;) {
    at = skipBlanks(bytes, at, window, true)
    if (at >= window) return CUT
    if (bytes[at] !== QUOTE) return NO_CONTAINER
    const keyEnd = skipString(bytes, at, window)
    if (keyEnd < 0) return keyEnd === TRUNCATED ? CUT : NO_CONTAINER
    const found = isSame(bytes, at, keyEnd, key)
    at = skipBlanks(bytes, keyEnd, window, true)
    if (at >= window) return CUT
    if (bytes[at] !== COLON) return NO_CONTAINER
    at = skipBlanks(bytes, at + 1, window, true)
    if (at >= window) return CUT
    if (found) return at
    at = valueEnd(bytes, at, window, maxDepth)
    if (at < 0) return at
    at = skipBlanks(bytes, at, window, true)
    if (at >= window) return CUT
    if (bytes[at++] !== COMMA) return NO_CONTAINER
  }
}

function valueEnd(bytes: Uint8Array, at: number, window: number, maxDepth: number): number {
  let end = skipValue(bytes, at, window, maxDepth, true)
  if (end === TOO_DEEP) {
    nesting.begin()
    end = nesting.pass(bytes, at, window)
    return end === UNENDED ? CUT : end
  }
  if (end === MALFORMED) return NO_CONTAINER
  return end === TRUNCATED ? CUT : end
}

function isSame(bytes: Uint8Array, from: number, to: number, key: Uint8Array): boolean {
  if (to - from !== key.length) return false
  for (let i = 0; i < key.length; i++) if (bytes[from + i] !== key[i]) return false
  return true
}

function keysOf(path: readonly string[]): readonly Uint8Array[] {
  let keys = writtenKeys.get(path)
  if (keys === undefined) {
    keys = path.map((key) => new TextEncoder().encode(`"${key}"`))
    writtenKeys.set(path, keys)
  }
  return keys
}
