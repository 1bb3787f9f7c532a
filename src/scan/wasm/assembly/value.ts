/** Values that a schema says something about: the program's nodes, interpreted. */
import {
  ARRAY_COUNT_MAX,
  ARRAY_COUNT_MIN,
  ARRAY_ITEMS,
  CAPTURE_SEVERITY,
  CAPTURE_TIME,
  KIND_ARRAY,
  KIND_FALSE,
  KIND_NULL,
  KIND_NUMBER,
  KIND_OBJECT,
  KIND_STRING,
  KIND_TRUE,
  MAX_DEPTH_AT,
  MEMBER_REQUIRED,
  MEMBER_SEEN,
  MEMBER_VALUE,
  NONE,
  NUMBER_BOUNDED,
  NUMBER_SMALL,
  OBJECT_COUNT_MAX,
  OBJECT_OTHERS,
  OBJECT_REQUIRED,
  STRING_LENGTH,
  STRING_PLAIN,
  STRING_RFC3339,
  STRING_TESTS,
  STRING_TEXTS,
  TEXT_AT,
  TEXT_BYTES,
  TEXT_LENGTH,
  TEXT_SEVERITY,
  VALUE_ARRAY,
  VALUE_KINDS,
  VALUE_LEVELS,
  VALUE_LEVEL_COUNT,
  VALUE_MAXIMUM,
  VALUE_MAX_LENGTH,
  VALUE_MINIMUM,
  VALUE_MIN_LENGTH,
  VALUE_NUMBER_RULES,
  VALUE_OBJECT,
  VALUE_STRING_RULES,
  VALUE_TESTS,
  VALUE_TEXTS,
  VALUE_TEXT_COUNT,
} from '../layout.ts'
import { isText, keyEnd, member } from './keys.ts'
import { numberHolds, severityOfNumber, timeMsOfNumber } from './numbers.ts'
import { own32, own64, ownF64, setOwn64 } from './own.ts'
import { rfc3339Ms } from './rfc3339.ts'
import { FAIL, blanksEnd, byteAt, isDigit, nameEnd, numberEnd, plainEnd, stringEnd } from './tokens.ts'
import { treeEnd } from './tree.ts'

/** The text [from, to) passes the tests of an index: patterns and formats that JavaScript knows. */
@external('env', 'testsHold')
declare function testsHold(index: i32, from: i32, to: i32): i32

const TREE_DEPTH_MAX: i32 = 31

export let severity: i32 = 0
export let timeMs: f64 = NaN
/** Objects visited so far; a member that carries the number of the present one has been seen in it. */
let visits: i64 = 0

@inline
export function beginValue(severityAbsent: i32): void {
  severity = severityAbsent
  timeMs = NaN
}

/** From a value's first byte to just behind it, or FAIL. `depth`: containers open around it. */
export function valueEnd(at: i32, node: i32, depth: i32): i32 {
  const byte = byteAt(at)
  if (node == 0) return byte == 0x22 ? stringEnd(at + 1) : treeEnd(at, roomAt(depth))
  const kinds = own32(node + VALUE_KINDS)
  if (byte == 0x22) return kinds & KIND_STRING ? textEnd(at + 1, node, kinds) : FAIL
  if (byte <= 0x39) return kinds & KIND_NUMBER ? ruledNumberEnd(at, node, kinds) : FAIL
  if (byte == 0x7b) {
    if (!(kinds & KIND_OBJECT)) return FAIL
    const object = own32(node + VALUE_OBJECT)
    if (object == 0) return treeEnd(at, roomAt(depth))
    return depth < own32(MAX_DEPTH_AT) ? objectEnd(at + 1, object, depth + 1) : FAIL
  }
  if (byte == 0x5b) {
    if (!(kinds & KIND_ARRAY)) return FAIL
    const array = own32(node + VALUE_ARRAY)
    if (array == 0) return treeEnd(at, roomAt(depth))
    return depth < own32(MAX_DEPTH_AT) ? arrayEnd(at + 1, array, depth + 1) : FAIL
  }
  if (byte == 0x6e) return kinds & KIND_NULL ? nameEnd(at) : FAIL
  if (byte == 0x74) return kinds & KIND_TRUE ? nameEnd(at) : FAIL
  return kinds & KIND_FALSE ? nameEnd(at) : FAIL
}

@inline
function roomAt(depth: i32): i32 {
  return max(0, min(TREE_DEPTH_MAX, own32(MAX_DEPTH_AT) - depth))
}

/** `at`: just behind the opening bracket. */
function objectEnd(at: i32, object: i32, depth: i32): i32 {
  const visit = ++visits
  let missing = own32(object + OBJECT_REQUIRED)
  let left = own32(object + OBJECT_COUNT_MAX)
  at = blanksEnd(at)
  if (byteAt(at) == 0x7d) return missing == 0 ? at + 1 : FAIL
  while (true) {
    if (byteAt(at) != 0x22 || --left < 0) return FAIL
    at = keyEnd(at + 1, object)
    if (at < 0) return FAIL
    let node = own32(object + OBJECT_OTHERS)
    const declared = member
    if (declared != 0) {
      if (own64(declared + MEMBER_SEEN) == visit) return FAIL
      setOwn64(declared + MEMBER_SEEN, visit)
      missing -= own32(declared + MEMBER_REQUIRED)
      node = own32(declared + MEMBER_VALUE)
    } else if (node == NONE) return FAIL
    at = valueEnd(at, node, depth)
    if (at < 0) return FAIL
    let byte = byteAt(at)
    if (byte <= 0x20) {
      at = blanksEnd(at)
      byte = byteAt(at)
    }
    if (byte != 0x2c) return byte == 0x7d && missing == 0 ? at + 1 : FAIL
    if (byteAt(++at) <= 0x20) at = blanksEnd(at)
  }
}

function arrayEnd(at: i32, array: i32, depth: i32): i32 {
  const items = own32(array + ARRAY_ITEMS)
  let count = 0
  at = blanksEnd(at)
  if (byteAt(at) == 0x5d) at++
  else {
    while (true) {
      count++
      at = valueEnd(at, items, depth)
      if (at < 0) return FAIL
      at = blanksEnd(at)
      const byte = byteAt(at++)
      if (byte == 0x5d) break
      if (byte != 0x2c) return FAIL
      at = blanksEnd(at)
    }
  }
  return count >= own32(array + ARRAY_COUNT_MIN) && count <= own32(array + ARRAY_COUNT_MAX) ? at : FAIL
}

/** `from`: just behind the opening quote. */
function textEnd(from: i32, node: i32, kinds: i32): i32 {
  const rules = own32(node + VALUE_STRING_RULES)
  const end = rules & STRING_PLAIN ? plainEnd(from) : stringEnd(from)
  if (end < 0) return FAIL
  const to = end - 1
  if (rules & STRING_LENGTH && !lengthHolds(from, to, node)) return FAIL
  if (rules & STRING_RFC3339 || kinds & CAPTURE_TIME) {
    const ms = rfc3339Ms(from, to)
    if (rules & STRING_RFC3339 && isNaN(ms)) return FAIL
    if (kinds & CAPTURE_TIME) timeMs = ms
  }
  if (rules & STRING_TEXTS && findText(from, to, own32(node + VALUE_TEXTS), own32(node + VALUE_TEXT_COUNT)) == 0)
    return FAIL
  if (rules & STRING_TESTS && testsHold(own32(node + VALUE_TESTS), from, to) == 0) return FAIL
  if (kinds & CAPTURE_SEVERITY) {
    const level = findText(from, to, own32(node + VALUE_LEVELS), own32(node + VALUE_LEVEL_COUNT))
    if (level != 0) severity = own32(level + TEXT_SEVERITY)
  }
  return end
}

/** The entry of a list whose text is [from, to), or 0. */
function findText(from: i32, to: i32, list: i32, count: i32): i32 {
  for (; count > 0; count--, list += TEXT_BYTES) {
    if (own32(list + TEXT_LENGTH) == to - from && isText(from, own32(list + TEXT_AT), to - from)) return list
  }
  return 0
}

/** The string [from, to), which may hold escapes, has a length within the node's, for certain. */
function lengthHolds(from: i32, to: i32, node: i32): bool {
  const minLength = own32(node + VALUE_MIN_LENGTH)
  const maxLength = own32(node + VALUE_MAX_LENGTH)
  const length = to - from
  // A character has 1 to 12 bytes here: a surrogate pair as two escapes.
  if (length <= maxLength && <i64>length >= <i64>minLength * 12) return true
  let count = 0
  for (let at = from; at < to; at++) {
    const byte = byteAt(at)
    if (byte == 0x5c) return length <= maxLength && minLength <= 1
    if ((byte & 0xc0) != 0x80) count++
  }
  return count >= minLength && count <= maxLength
}

function ruledNumberEnd(at: i32, node: i32, kinds: i32): i32 {
  const rules = own32(node + VALUE_NUMBER_RULES)
  if (rules & NUMBER_SMALL && !(kinds & CAPTURE_TIME)) return smallEnd(at, node, kinds)
  const end = numberEnd(at)
  if (end < 0 || (rules & NUMBER_BOUNDED && !numberHolds(at, end, node))) return FAIL
  if (kinds & CAPTURE_TIME) {
    const ms = timeMsOfNumber(at, end)
    if (ms == Infinity) return FAIL
    timeMs = ms
  } else if (kinds & CAPTURE_SEVERITY) {
    const meant = severityOfNumber(at, end)
    if (meant < 0) return FAIL
    severity = meant
  }
  return end
}

/** One or two digits; a third, a fraction or an exponent meets code that expects a comma or a bracket. */
function smallEnd(at: i32, node: i32, kinds: i32): i32 {
  let number = byteAt(at) - 0x30
  if (<u32>number > 9) return FAIL
  if (isDigit(byteAt(++at))) {
    if (number == 0) return FAIL
    number = number * 10 + byteAt(at++) - 0x30
  }
  const value = <f64>number
  if (value < ownF64(node + VALUE_MINIMUM) || value > ownF64(node + VALUE_MAXIMUM)) return FAIL
  if (kinds & CAPTURE_SEVERITY) severity = min(number, 10)
  return at
}
