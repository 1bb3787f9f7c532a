/** Finds one value in a record that was accepted, without parsing it. */
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  OPEN_ARRAY,
  OPEN_OBJECT,
  TREE_DEPTH_MAX,
  blanksEnd,
  nextElement,
  nextMember,
  plainEnd,
  treeEnd,
  valueStart,
} from './tree.ts'

/** The record has no such value. */
export const ABSENT = -1
/** Only JSON.parse can tell: a key with escapes, or something nested deeply. */
export const UNDECIDED = -2

/**
 * Offset of the value that names lead to in the record at `from`, a well-formed value; or ABSENT, UNDECIDED. Of keys that are there twice the last counts, as for `JSON.parse`.
 *
 * @param names in UTF-8; for elements of an array their index in decimal.
 */
export function locate(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  names: readonly Uint8Array[],
): number {
  let at = from
  for (const name of names) {
    if (bytes[at] === OPEN_OBJECT) at = memberAt(bytes, view, at, name)
    else at = bytes[at] === OPEN_ARRAY ? elementAt(bytes, view, at, name) : ABSENT
    if (at < 0) return at
  }
  return at
}

function memberAt(bytes: Uint8Array, view: DataView, object: number, name: Uint8Array): number {
  let found = ABSENT
  let at = blanksEnd(bytes, object + 1, true)
  if (bytes[at] === CLOSE_OBJECT) return ABSENT
  do {
    const keyTo = plainEnd(bytes, view, at + 1)
    if (keyTo === -1) return UNDECIDED
    const value = valueStart(bytes, keyTo, true)
    if (isName(bytes, at + 1, keyTo - 1, name)) found = value
    const valueTo = treeEnd(bytes, view, value, TREE_DEPTH_MAX, true)
    if (valueTo === -1) return UNDECIDED
    at = nextMember(bytes, valueTo, true)
  } while (at >= 0)
  return found
}

function elementAt(bytes: Uint8Array, view: DataView, array: number, name: Uint8Array): number {
  const index = indexOf(name)
  let at = blanksEnd(bytes, array + 1, true)
  if (index === -1 || bytes[at] === CLOSE_ARRAY) return ABSENT
  for (let before = 0; before < index; before++) {
    const end = treeEnd(bytes, view, at, TREE_DEPTH_MAX, true)
    if (end === -1) return UNDECIDED
    at = nextElement(bytes, end, true)
    if (at < 0) return ABSENT
  }
  return at
}

/** `array-index = %x30 / ( %x31-39 *(%x30-39) )` (RFC 6901), or -1. */
function indexOf(name: Uint8Array): number {
  if (name.length === 0 || (name[0] === 0x30 && name.length > 1)) return -1
  let index = 0
  for (const byte of name) {
    if (byte < 0x30 || byte > 0x39) return -1
    index = index * 10 + byte - 0x30
  }
  return index
}

function isName(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (to - from !== name.length) return false
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name[i]) return false
  return true
}
