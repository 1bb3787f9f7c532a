import { DIGIT, HOST, KIND, LETTER, TAG, hasAny, isOneOf, startsWith, wordList } from './characters.ts'

const HOST_BYTES_MAX = 255
const COLON = 0x3a

/** Words of severity that programs put in front of their text, in the place of a host. */
const LEVELS = wordList(
  'emerg',
  'emergency',
  'panic',
  'alert',
  'crit',
  'critical',
  'err',
  'error',
  'severe',
  'warn',
  'warning',
  'notice',
  'info',
  'informational',
  'debug',
  'trace',
  'fatal',
)

const LEVEL_BYTES_MAX = Math.max(...LEVELS.map(({ length }) => length))
const LEVELS_BY_LENGTH = Array.from({ length: LEVEL_BYTES_MAX + 1 }, (_, length) =>
  LEVELS.filter((level) => level.length === length),
)

/** What syslog daemons say in their own name, without naming a host or a program. */
const REPEATED = wordList('last message repeated', 'message repeated')

export function isLevel(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from <= LEVEL_BYTES_MAX && isOneOf(bytes, from, to, LEVELS_BY_LENGTH[to - from]!)
}

/** Whether the text at `at` is a daemon's "last message repeated 5 times". */
export function isRepeatNotice(bytes: Uint8Array, at: number, to: number): boolean {
  return startsWith(bytes, at, to, REPEATED[0]!) || startsWith(bytes, at, to, REPEATED[1]!)
}

/**
 * Whether [from, to) can be the name or address of a host: letters, digits, `.`, `-`, `_`, and `/` between parts
 * (`slot1/bigip`), colons only in addresses. A number alone could be anything, and a date is one to everybody.
 */
export function isHost(bytes: Uint8Array, from: number, to: number): boolean {
  if (from >= to || to - from > HOST_BYTES_MAX) return false
  let all = HOST | TAG
  let any = 0
  for (let at = from; at < to; at++) {
    const kind = KIND[bytes[at]!]!
    all &= kind
    any |= kind
  }
  if ((all & HOST) === 0) return false
  // Of what may stand in a host only the colon may not stand in a tag.
  if ((all & TAG) === 0) return isIpv6(bytes, from, to)
  if ((any & LETTER) !== 0) return (KIND[bytes[from]!]! & (LETTER | DIGIT)) !== 0
  return isNumericHost(bytes, from, to)
}

/** Whether [from, to), which has no letter, is an IPv4 address, or begins with one (`10.27.5.1-1`). */
function isNumericHost(bytes: Uint8Array, from: number, to: number): boolean {
  let end = from
  while (end < to && (bytes[end] === 0x2e || (KIND[bytes[end]!]! & DIGIT) !== 0)) end++
  return isIpv4(bytes, from, end)
}

/** Whether [from, to) is an IPv4, IPv6 or MAC address, as far as its characters tell. */
export function isAddress(bytes: Uint8Array, from: number, to: number): boolean {
  return isIpv4(bytes, from, to) || isIpv6(bytes, from, to)
}

function isIpv4(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 7 || to - from > 15) return false
  let dots = 0
  for (let at = from; at < to; at++) {
    if (bytes[at] === 0x2e) dots++
    else if ((KIND[bytes[at]!]! & DIGIT) === 0) return false
  }
  return dots === 3
}

/** IPv6 has eight groups or `::`, MAC six of two digits; others, such as `10:11:12`, are times. */
function isIpv6(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 2 || to - from > 45) return false
  let colons = 0
  let isShortened = false
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte === COLON) {
      colons++
      isShortened ||= at > from && bytes[at - 1] === COLON
    } else if ((KIND[byte]! & DIGIT) === 0 && byte !== 0x2e && !isHexLetter(byte)) return false
  }
  if (bytes[to - 1] === COLON && bytes[to - 2] !== COLON) return false
  return isShortened || colons === 7 || (colons === 5 && to - from === 17)
}

function isHexLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
}

/** Whether a name is more likely one of a host than a word: it has a digit, a dot or a hyphen. */
export function isTellingHost(bytes: Uint8Array, from: number, to: number): boolean {
  if (!isHost(bytes, from, to)) return false
  if (hasAny(bytes, from, to, DIGIT)) return true
  for (let at = from; at < to; at++) if (bytes[at] === 0x2e || bytes[at] === 0x2d) return true
  return false
}

/** Whether [from, to) reads like the first word of a sentence: a capital, then small letters only. */
export function isProse(bytes: Uint8Array, from: number, to: number): boolean {
  const first = bytes[from]!
  if ((KIND[first]! & LETTER) === 0 || (first & 0x20) !== 0) return false
  for (let at = from + 1; at < to; at++) {
    const byte = bytes[at]!
    const isSmall = (KIND[byte]! & LETTER) !== 0 && (byte & 0x20) !== 0
    // `It's`, `Stopped.`, `Done!`
    if (!isSmall && byte !== 0x27 && !(at === to - 1 && (byte === 0x2e || byte === 0x21))) return false
  }
  return true
}
