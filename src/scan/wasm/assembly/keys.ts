/**
 * Keys of objects. Events of one source are much alike, so each key is predicted: that it is the one that came last time
 * after the key before it. Where that is so, which one comparison of 32 bytes tells, its length and what it means are
 * known without looking for its end: the processor goes on with the value meanwhile. Where not, the key is read, looked
 * up in a table by its hash, and the prediction corrected.
 *
 * A slot that fits by its bytes is right whatever wrote it: a key's end, its colon and the blank behind it follow from
 * its bytes alone, and its member from its bytes and the object node. Keys behind the scanner's bytes are not kept: there
 * another thread may be writing.
 */
import {
  MEMBER_BYTES,
  MEMBER_LENGTH,
  MEMBER_TEXT,
  MEMO_AT,
  MEMO_SLOTS,
  OBJECT_MEMBERS,
  OBJECT_MEMBER_COUNT,
  OBJECT_PLAIN_KEYS,
  SLOT_BYTES,
  SLOT_LENGTH,
  SLOT_MASK,
  SLOT_MEMBER,
  SLOT_NEXT,
  SLOT_OBJECT,
  SLOT_TEXT,
} from '../layout.ts'
import { own128, own32, setOwn128, setOwn32 } from './own.ts'
import { FAIL, blanksEnd, byteAt, plainEnd, stringEnd } from './tokens.ts'

const RECORD_START: i32 = MEMO_AT
const TOO_LONG: i32 = MEMO_AT + SLOT_BYTES
const TABLE: i32 = MEMO_AT + 2 * SLOT_BYTES
/** What a slot keeps of a key: its bytes, the closing quote, the colon, and one blank. */
const KEPT_BYTES_MAX: i32 = 32

/** Slot of the key before. */
let last: i32 = RECORD_START
/** Behind here bytes may be written while they are read. */
let settledTo: i32 = 0
/** Of the key found last: its member in the object node, or 0. */
export let member: i32 = 0

@inline
export function beginKeys(to: i32): void {
  last = RECORD_START
  settledTo = to
}

/**
 * From just behind a key's opening quote to the first byte of its value, or FAIL.
 *
 * @param object node of the object that it stands in; 0: of none.
 */
@inline
export function keyEnd(at: i32, object: i32): i32 {
  const slot = own32(last + SLOT_NEXT)
  const differs = v128.or(
    v128.and(v128.xor(v128.load(at), own128(slot + SLOT_TEXT)), own128(slot + SLOT_MASK)),
    v128.and(v128.xor(v128.load(at, 16), own128(slot + SLOT_TEXT + 16)), own128(slot + SLOT_MASK + 16)),
  )
  if (v128.any_true(differs) || own32(slot + SLOT_OBJECT) != object) return otherKeyEnd(at, object)
  last = slot
  member = own32(slot + SLOT_MEMBER)
  at += own32(slot + SLOT_LENGTH)
  return byteAt(at) <= 0x20 ? blanksEnd(at) : at
}

function otherKeyEnd(from: i32, object: i32): i32 {
  const isPlain = object != 0 && own32(object + OBJECT_PLAIN_KEYS) != 0
  const end = isPlain ? plainEnd(from) : stringEnd(from)
  if (end < 0) return FAIL
  let at = end
  if (byteAt(at) != 0x3a) {
    at = blanksEnd(at)
    if (byteAt(at) != 0x3a) return FAIL
  }
  const isClose = at == end
  if (byteAt(++at) == 0x20) at++
  // A slot is made of bytes that are read several times: they must have been the same each time.
  if (isClose && at - from <= KEPT_BYTES_MAX && at <= settledTo) keep(from, at - from, object, end - 1 - from)
  else {
    setOwn32(last + SLOT_NEXT, TOO_LONG)
    last = TOO_LONG
    member = memberOf(object, from, end - 1 - from)
  }
  return byteAt(at) <= 0x20 ? blanksEnd(at) : at
}

/** Makes the key's slot the next one, after taking it over where another key had it. */
function keep(from: i32, length: i32, object: i32, textLength: i32): void {
  const low = before(length)
  const high = before(length - 16)
  const first = v128.and(v128.load(from), low)
  const second = v128.and(v128.load(from, 16), high)
  const slot = slotOf(first, second, object)
  const differs = v128.or(
    v128.xor(first, own128(slot + SLOT_TEXT)),
    v128.xor(second, own128(slot + SLOT_TEXT + 16)),
  )
  if (v128.any_true(differs) || own32(slot + SLOT_OBJECT) != object || own32(slot + SLOT_LENGTH) != length) {
    setOwn128(slot + SLOT_TEXT, first)
    setOwn128(slot + SLOT_TEXT + 16, second)
    setOwn128(slot + SLOT_MASK, low)
    setOwn128(slot + SLOT_MASK + 16, high)
    setOwn32(slot + SLOT_LENGTH, length)
    setOwn32(slot + SLOT_OBJECT, object)
    setOwn32(slot + SLOT_MEMBER, memberOf(object, from, textLength))
    setOwn32(slot + SLOT_NEXT, slot)
  }
  setOwn32(last + SLOT_NEXT, slot)
  last = slot
  member = own32(slot + SLOT_MEMBER)
}

/** Ones in the first `length` of 16 bytes. */
@inline
function before(length: i32): v128 {
  return i8x16.lt_s(
    i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    i8x16.splat(<i8>length),
  )
}

@inline
function slotOf(first: v128, second: v128, object: i32): i32 {
  const mixed = v128.xor(first, second)
  const bits =
    i64x2.extract_lane(mixed, 0) ^ rotl<i64>(i64x2.extract_lane(mixed, 1), 23) ^ (<i64>object << 7)
  const hash = <i32>((bits * 0x9e3779b97f4a7c15) >>> 40)
  return TABLE + (hash & (MEMO_SLOTS - 1)) * SLOT_BYTES
}

/** The member of an object node that has this name, or 0. */
function memberOf(object: i32, from: i32, length: i32): i32 {
  if (object == 0) return 0
  let candidate = own32(object + OBJECT_MEMBERS)
  for (let left = own32(object + OBJECT_MEMBER_COUNT); left > 0; left--, candidate += MEMBER_BYTES) {
    if (own32(candidate + MEMBER_LENGTH) == length && isText(from, own32(candidate + MEMBER_TEXT), length))
      return candidate
  }
  return 0
}

/** The bytes at `at` in the arena are those at `text` in the own memory, which are padded to whole 16. */
export function isText(at: i32, text: i32, length: i32): bool {
  for (; length > 0; length -= 16, at += 16, text += 16) {
    const differs = v128.xor(v128.load(at), own128(text))
    if (v128.any_true(v128.and(differs, before(min(length, 16))))) return false
  }
  return true
}
