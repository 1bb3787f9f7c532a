import {
  BLANK,
  DIGIT,
  KIND,
  LETTER,
  PRINT,
  TAG,
  hasAny,
  isAll,
  isOneOf,
  isWordEnd,
  skipBlanks,
  wordEnd,
  wordList,
} from './characters.ts'
import { isMnemonic } from './cisco-prefix.ts'
import { NONE } from './clock-time.ts'
import type { SyslogFields } from './fields.ts'
import { isAddress, isLevel, isProse, isRepeatNotice } from './host.ts'

const NAME_BYTES_MAX = 255
const PROC_BYTES_MAX = 128
const OPEN = 0x5b
const CLOSE = 0x5d
const COLON = 0x3a

/** `CEF:0|` and `LEEF:1.0|` begin the message's own format: its readers need them. */
const FORMATS = wordList('cef', 'leef')

/** How much must speak for a tag: a `process` id in brackets, a `colon`, or no more than its `place` behind the host. */
export type TagProof = 'process' | 'colon' | 'place'

/**
 * RFC 3164 section 4.1.3: the TAG is the name of the program; it ends with the first character that can't be part of
 * one, most often `:` or `[`. As devices write it:
 *
 *     tag    = name ["[" id "]"] [*blank] ":" [blank]        ; kernel:   su[42]:   vmkernel :   sshd(pam_unix)[12750]:
 *            / name 1*blank "[" 1*DIGIT "]:" [blank]         ; nasapi [19090]: log
 *            / name "[" 1*DIGIT "]" blank                    ; nasapi[19090] - log
 *            / name blank                                    ; CISE_Passed_Authentications 0001939187 4 0
 *            / mnemonic blank                                ; %LOG_LOCAL7-2-SYSTEM_MSG [F0321]
 *     name   = 1*255TAGCHAR
 *
 * The colon may be followed by text at once (`tag:text`) where that can't be a port, a time, a path or an address.
 */
export class TagReader {
  readonly #bytes: Uint8Array
  readonly #fields: SyslogFields

  constructor(bytes: Uint8Array, fields: SyslogFields) {
    this.#bytes = bytes
    this.#fields = fields
  }

  /** Takes the tag at `at` into app name and process id. Where the message begins behind it, or NONE. */
  read(at: number, to: number, proof: TagProof): number {
    const bytes = this.#bytes
    const last = Math.min(to, at + NAME_BYTES_MAX + 1)
    let end = at
    while (end < last && (KIND[bytes[end]!]! & TAG) !== 0) end++
    if (end === at || end - at > NAME_BYTES_MAX || !hasAny(bytes, at, end, LETTER | DIGIT)) return NONE
    if (bytes[at] === 0x40 || bytes[at] === 0x23) return NONE
    if (end < to && bytes[end] === OPEN) return this.#withProcess(at, end, to)
    if (proof === 'process') return NONE
    if (end < to && bytes[end] === COLON) return this.#withColon(at, end, to, proof)
    if (!isWordEnd(bytes, end, to)) return NONE
    return this.#withoutColon(at, end, to, proof)
  }

  #withProcess(at: number, open: number, to: number): number {
    const bytes = this.#bytes
    const last = Math.min(to, open + PROC_BYTES_MAX + 2)
    let close = open + 1
    while (close < last && bytes[close] !== CLOSE && (KIND[bytes[close]!]! & PRINT) !== 0) close++
    if (close >= last || bytes[close] !== CLOSE) return NONE
    const behind = close + 1
    const colon = skipBlanks(bytes, behind, to)
    let messageFrom = NONE
    if (behind < to && bytes[behind] === COLON) messageFrom = this.#behindColon(behind, to)
    else if (colon < to && bytes[colon] === COLON && isWordEnd(bytes, colon + 1, to)) {
      messageFrom = this.#behindColon(colon, to)
    } else if (isWordEnd(bytes, behind, to) && close > open + 1 && isAll(bytes, open + 1, close, DIGIT)) {
      messageFrom = behindBlank(bytes, behind, to)
    }
    if (messageFrom < 0) return NONE
    this.#fields.setApp(at, open)
    this.#fields.setProc(open + 1, close)
    return messageFrom
  }

  #withColon(at: number, end: number, to: number, proof: TagProof): number {
    const bytes = this.#bytes
    // A number with a colon is a counter or an hour unless a host stands before it, with dots an address.
    const isNumber = !hasAny(bytes, at, end, LETTER)
    if (isNumber && (proof !== 'place' || !isAll(bytes, at, end, DIGIT))) return NONE
    if (isLevel(bytes, at, end)) return NONE
    if (isOneOf(bytes, at, end, FORMATS)) return NONE
    if (!isWordEnd(bytes, end + 1, to) && !this.#isNameBeforeText(at, end, to)) return NONE
    this.#fields.setApp(at, end)
    return this.#behindColon(end, to)
  }

  /** Whether the colon at `end` separates a name from text, and isn't part of a URL, path, address, time or port. */
  #isNameBeforeText(at: number, end: number, to: number): boolean {
    const bytes = this.#bytes
    const next = bytes[end + 1]!
    if ((KIND[next]! & DIGIT) !== 0 || next === 0x2f || next === 0x5c || next === COLON) return false
    if (end - at < 2 || (KIND[bytes[at]!]! & LETTER) === 0) return false
    return hasNameCharactersOnly(bytes, at, end) && !isAddress(bytes, at, wordEnd(bytes, at, to))
  }

  #withoutColon(at: number, end: number, to: number, proof: TagProof): number {
    const bytes = this.#bytes
    if (isLevel(bytes, at, end) || isProse(bytes, at, end)) return NONE
    const colon = skipBlanks(bytes, end, to)
    if (colon > end && colon < to && bytes[colon] === COLON && isWordEnd(bytes, colon + 1, to)) {
      if (proof === 'colon' && !hasAny(bytes, at, end, LETTER)) return NONE
      this.#fields.setApp(at, end)
      return this.#behindColon(colon, to)
    }
    const behindProcess = this.#spacedProcess(at, end, to)
    if (behindProcess >= 0) return behindProcess
    if (proof !== 'place' || !(isMnemonic(bytes, at, end) || this.#isBareName(at, end, to))) return NONE
    this.#fields.setApp(at, end)
    return behindBlank(bytes, end, to)
  }

  /** Takes the name [at, end) where ` [1234]:` follows. */
  #spacedProcess(at: number, end: number, to: number): number {
    const bytes = this.#bytes
    const open = skipBlanks(bytes, end, to)
    if (open >= to || bytes[open] !== OPEN || !hasNameCharactersOnly(bytes, at, end)) return NONE
    let close = open + 1
    while (close < to && (KIND[bytes[close]!]! & DIGIT) !== 0) close++
    if (close === open + 1 || close + 1 >= to || bytes[close] !== CLOSE || bytes[close + 1] !== COLON)
      return NONE
    if (!isWordEnd(bytes, close + 2, to)) return NONE
    this.#fields.setApp(at, end)
    this.#fields.setProc(open + 1, close)
    return this.#behindColon(close + 1, to)
  }

  #isBareName(at: number, end: number, to: number): boolean {
    const bytes = this.#bytes
    const first = bytes[at]!
    if ((KIND[first]! & LETTER) === 0 && first !== 0x2f && first !== 0x5f) return false
    if (!hasNameCharactersOnly(bytes, at, end) || isRepeatNotice(bytes, at, to)) return false
    // `CEF: 0|Vendor|` was not found by its colon, `GET /index.html` is a request.
    return !isOneOf(bytes, at, wordEnd(bytes, at, to), FORMATS)
  }

  #behindColon(colon: number, to: number): number {
    return behindBlank(this.#bytes, colon + 1, to)
  }
}

/** One blank is the separator, others belong to the message. */
function behindBlank(bytes: Uint8Array, at: number, to: number): number {
  return at < to && (KIND[bytes[at]!]! & BLANK) !== 0 ? at + 1 : at
}

/** Letters, digits, and the punctuation of names and paths. */
function hasNameCharactersOnly(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if ((KIND[byte]! & (LETTER | DIGIT)) !== 0) continue
    if (byte !== 0x2e && byte !== 0x2d && byte !== 0x5f && byte !== 0x2f) return false
  }
  return true
}
