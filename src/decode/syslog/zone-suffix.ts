import { KIND, LETTER, isWordEnd, skipBlanks } from './characters.ts'
import { NONE, digits } from './clock-time.ts'

/**
 * Abbreviations that stand behind the time in a message, in minutes ahead of UTC: those of RFC 822, and others that mean
 * one thing in practice. Not here: what means several, such as IST (India, Israel, Ireland).
 */
const MINUTES: Readonly<Record<string, number>> = {
  Z: 0,
  UTC: 0,
  UCT: 0,
  GMT: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  AKST: -540,
  AKDT: -480,
  HST: -600,
  AST: -240,
  ADT: -180,
  WET: 0,
  WEST: 60,
  BST: 60,
  CET: 60,
  CEST: 120,
  MET: 60,
  MEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  SAST: 120,
  SGT: 480,
  HKT: 480,
  JST: 540,
  KST: 540,
  AWST: 480,
  ACST: 570,
  ACDT: 630,
  AEST: 600,
  AEDT: 660,
  NZST: 720,
  NZDT: 780,
}
const NAME_LETTERS_MAX = 5
/** Minutes ahead of UTC where nothing known says them. */
export const NOT_SAID = Number.NaN

/** Letters as one number, five bits each, so that looking a name up makes no string. */
const MINUTES_BY_NAME = new Map<number, number>()

for (const [name, minutes] of Object.entries(MINUTES)) {
  const bytes = new TextEncoder().encode(name)
  MINUTES_BY_NAME.set(packed(bytes, 0, bytes.length), minutes)
}

function packed(bytes: Uint8Array, from: number, to: number): number {
  let letters = 0
  for (let at = from; at < to; at++) letters = (letters << 5) | (bytes[at]! & 0x1f)
  return letters
}

/** Minutes ahead of UTC of the zone that [from, to) names, in any case; NOT_SAID of all else. */
function zoneNameMinutes(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 1 || to - from > NAME_LETTERS_MAX) return NOT_SAID
  for (let at = from; at < to; at++) if ((KIND[bytes[at]!]! & LETTER) === 0) return NOT_SAID
  return MINUTES_BY_NAME.get(packed(bytes, from, to)) ?? NOT_SAID
}

/**
 * What a message says of its time's zone, directly behind the time or after a blank:
 *
 *     zone = "Z" / offset ["Z"] / SP ( offset / name [ ("+" / "-") 1*2DIGIT [ ":" 2DIGIT ] ] )
 *     offset = ("+" / "-") 2DIGIT [ [":"] 2DIGIT ]
 */
export class ZoneSuffix {
  /** Minutes ahead of UTC, NOT_SAID where the message doesn't say. */
  minutes = NOT_SAID

  /** The offset behind the zone, or `at` where none stands there. */
  read(bytes: Uint8Array, at: number, to: number): number {
    this.minutes = NOT_SAID
    if (at >= to) return at
    const end = bytes[at] === 0x20 ? this.#behindBlank(bytes, at + 1, to) : this.#adjacent(bytes, at, to)
    return end < 0 ? at : end
  }

  /** What may stand directly behind the time: no names, so that no word is taken for one. */
  adjacent(bytes: Uint8Array, at: number, to: number): number {
    this.minutes = NOT_SAID
    const end = at < to ? this.#adjacent(bytes, at, to) : NONE
    return end < 0 ? at : end
  }

  #adjacent(bytes: Uint8Array, at: number, to: number): number {
    const first = bytes[at]!
    if ((first | 0x20) === 0x7a) {
      if (!isZoneEnd(bytes, at + 1, to)) return NONE
      this.minutes = 0
      return at + 1
    }
    const minutes = this.#offset(bytes, at, to, 2)
    if (minutes < 0) return NONE
    const end = minutes < to && (bytes[minutes]! | 0x20) === 0x7a ? minutes + 1 : minutes
    return isZoneEnd(bytes, end, to) ? end : this.#none()
  }

  #behindBlank(bytes: Uint8Array, at: number, to: number): number {
    let end = at
    while (end < to && end - at <= NAME_LETTERS_MAX && (KIND[bytes[end]!]! & LETTER) !== 0) end++
    if (end === at) {
      const offsetEnd = at < to ? this.#offset(bytes, at, to, 2) : NONE
      return offsetEnd < 0 || isZoneEnd(bytes, offsetEnd, to) ? offsetEnd : this.#none()
    }
    if (isZoneEnd(bytes, end, to)) {
      // In lower case it could as well be a host, unless a colon follows: `gmt: %NAT-6-LOG_TRANSLATION:`.
      if ((bytes[at]! & 0x20) !== 0 && (end >= to || bytes[end] !== 0x3a)) return NONE
      const named = zoneNameMinutes(bytes, at, end)
      if (!Number.isNaN(named)) this.minutes = named
      // An abbreviation that nobody knows is one only where Cisco's devices put it: `PKT: %SYS-5-CONFIG_I:`.
      else if (!isCiscoZone(bytes, at, end, to)) return NONE
      return end
    }
    // `GMT+02:00`, and RFC 3164's own `TZ-6`.
    const offsetEnd = this.#offset(bytes, end, to, 1)
    if (offsetEnd < 0) return NONE
    if (zoneNameMinutes(bytes, at, end) !== 0 && !isTz(bytes, at, end)) return this.#none()
    return isZoneEnd(bytes, offsetEnd, to) ? offsetEnd : this.#none()
  }

  #none(): number {
    this.minutes = NOT_SAID
    return NONE
  }

  #offset(bytes: Uint8Array, at: number, to: number, hourDigitsMin: number): number {
    const sign = bytes[at]!
    if (sign !== 0x2b && sign !== 0x2d) return NONE
    at++
    const hourDigits = digits(bytes, at, to, 2) < 0 ? 1 : 2
    const hours = hourDigits < hourDigitsMin ? NONE : digits(bytes, at, to, hourDigits)
    if (hours < 0 || hours > 23) return NONE
    at += hourDigits
    const minutesAt = at < to && bytes[at] === 0x3a ? at + 1 : at
    const minutes = digits(bytes, minutesAt, to, 2)
    if (minutes > 59) return NONE
    if (minutes >= 0) at = minutesAt + 2
    const offset = hours * 60 + Math.max(0, minutes)
    this.minutes = sign === 0x2d ? -offset : offset
    return at
  }
}

/** A zone ends at a blank, at a colon, and at the end. */
function isZoneEnd(bytes: Uint8Array, at: number, to: number): boolean {
  return isWordEnd(bytes, at, to) || bytes[at] === 0x3a
}

function isTz(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from === 2 && (bytes[from]! | 0x20) === 0x74 && (bytes[from + 1]! | 0x20) === 0x7a
}

/** Whether [from, to) is in capitals, ends with `T` as abbreviations of times do, and has a mnemonic behind its colon. */
function isCiscoZone(bytes: Uint8Array, from: number, to: number, messageTo: number): boolean {
  if (to - from < 3 || bytes[to - 1] !== 0x54 || to >= messageTo || bytes[to] !== 0x3a) return false
  for (let at = from; at < to; at++) if ((bytes[at]! & 0x20) !== 0) return false
  const next = skipBlanks(bytes, to + 1, messageTo)
  return next < messageTo && bytes[next] === 0x25
}
