import { BLANK, KIND, SD_NAME, skipBlanks } from './characters.ts'
import { NONE } from './clock-time.ts'
import { jsonPiece } from './json-writer.ts'
import type { JsonWriter } from './json-writer.ts'

/** An element, or a parameter, beyond these is left to the message. */
const ELEMENTS_MAX = 64
const PARAMS_MAX = 256
/** RFC 5424 allows 32; devices use more. */
const NAME_BYTES_MAX = 255
const ID_BYTES_MAX_WITHOUT_PARAMS = 32

/** A power of two. */
const HASHES = 1024
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x5b
const CLOSE = 0x5d
const COMMA = 0x2c
const COLON = jsonPiece('":"')
const OPEN_OBJECT = jsonPiece('":{')

/**
 * RFC 5424 section 6.3:
 *
 *     STRUCTURED-DATA = NILVALUE / 1*SD-ELEMENT
 *     SD-ELEMENT      = "[" SD-ID *(SP SD-PARAM) "]"
 *     SD-PARAM        = PARAM-NAME "=" %d34 PARAM-VALUE %d34
 *     SD-ID           = SD-NAME
 *     PARAM-NAME      = SD-NAME
 *     PARAM-VALUE     = UTF-8-STRING ; characters '"', '\' and ']' MUST be escaped.
 *     SD-NAME         = 1*32PRINTUSASCII ; except '=', SP, ']', %d34 (")
 *
 * Also taken: blanks around `=` and before `]`, longer names, an unescaped `]` in a value. A backslash before any other
 * character stands for itself (6.3.3). Elements of one id are merged; of parameters of one name the last counts.
 */
export class StructuredData {
  elementCount = 0
  paramCount = 0
  readonly #bytes: Uint8Array
  readonly #idFrom = new Int32Array(ELEMENTS_MAX)
  readonly #idTo = new Int32Array(ELEMENTS_MAX)
  /** One entry more: the parameters of an element end where those of the next begin. */
  readonly #firstParam = new Int32Array(ELEMENTS_MAX + 1)
  readonly #nameFrom = new Int32Array(PARAMS_MAX)
  readonly #nameTo = new Int32Array(PARAMS_MAX)
  readonly #nameHash = new Int32Array(PARAMS_MAX)
  readonly #valueFrom = new Int32Array(PARAMS_MAX)
  readonly #valueTo = new Int32Array(PARAMS_MAX)
  /** Whether a backslash is in the value. */
  readonly #valueEscaped = new Uint8Array(PARAMS_MAX)
  /** By a name's hash, the last message that had one like it. Where none came twice in a message, no name and no id did. */
  readonly #seenIn = new Int32Array(HASHES)
  #message = 0
  #mayRepeat = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  clear(): void {
    this.elementCount = this.paramCount = 0
    this.#message = (this.#message + 1) | 0
    this.#mayRepeat = false
  }

  /** Takes the elements that begin at `at`. The offset behind the last one that is whole: `at` where none is. */
  read(at: number, to: number): number {
    this.clear()
    while (at < to && this.#bytes[at] === OPEN && this.elementCount < ELEMENTS_MAX) {
      const firstParam = this.paramCount
      const end = this.#element(at + 1, to)
      if (end < 0) {
        this.paramCount = firstParam
        break
      }
      at = end
    }
    return at
  }

  #element(at: number, to: number): number {
    const bytes = this.#bytes
    const element = this.elementCount
    const firstParam = this.paramCount
    const idEnd = this.#name(at, to)
    if (idEnd < 0) return NONE
    const idFrom = at
    this.#idFrom[element] = idFrom
    this.#idTo[element] = idEnd
    this.#see(idFrom, idEnd)
    at = idEnd
    for (;;) {
      const next = skipBlanks(bytes, at, to)
      if (next >= to) return NONE
      if (bytes[next] === CLOSE) {
        at = next + 1
        break
      }
      if (next === at) return NONE
      at = this.#param(next, to)
      if (at < 0) return NONE
    }
    // A word in brackets and nothing else: the longer, the more likely it is text.
    const hasParams = this.paramCount > firstParam
    if (!hasParams && idEnd - idFrom > ID_BYTES_MAX_WITHOUT_PARAMS) return NONE
    this.#firstParam[element] = firstParam
    this.#firstParam[element + 1] = this.paramCount
    this.elementCount++
    return at
  }

  #param(at: number, to: number): number {
    const bytes = this.#bytes
    const param = this.paramCount
    if (param === PARAMS_MAX) return NONE
    const nameEnd = this.#name(at, to)
    if (nameEnd < 0) return NONE
    const equals = skipBlanks(bytes, nameEnd, to)
    const open = skipBlanks(bytes, equals + 1, to)
    if (open >= to || bytes[equals] !== 0x3d || bytes[open] !== QUOTE) return NONE
    let close = open + 1
    let escaped = 0
    for (; close < to && bytes[close] !== QUOTE; close++) {
      if (bytes[close] !== BACKSLASH) continue
      escaped = 1
      close++
    }
    const behind = close + 1
    if (behind >= to) return NONE
    if (bytes[behind] !== CLOSE && (KIND[bytes[behind]!]! & BLANK) === 0) return NONE
    this.#nameFrom[param] = at
    this.#nameTo[param] = nameEnd
    this.#nameHash[param] = this.#see(at, nameEnd)
    this.#valueFrom[param] = open + 1
    this.#valueTo[param] = close
    this.#valueEscaped[param] = escaped
    this.paramCount++
    return behind
  }

  #name(at: number, to: number): number {
    const from = at
    const last = Math.min(to, from + NAME_BYTES_MAX + 1)
    while (at < last && (KIND[this.#bytes[at]!]! & SD_NAME) !== 0) at++
    return at === from || at - from > NAME_BYTES_MAX ? NONE : at
  }

  /** The hash of a name or an id, and notes whether one like it may have been there before. */
  #see(from: number, to: number): number {
    const bytes = this.#bytes
    let hash = 0
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
    const place = (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (HASHES - 1)
    if (this.#seenIn[place] === this.#message) this.#mayRepeat = true
    this.#seenIn[place] = this.#message
    return hash
  }

  /** Writes `{"id":{"name":"value",...},...}`. */
  write(out: JsonWriter): void {
    out.byte(0x7b)
    let isFirst = true
    for (let element = 0; element < this.elementCount; element++) {
      if (this.#mayRepeat && this.#isRepeated(element)) continue
      if (!isFirst) out.byte(COMMA)
      isFirst = false
      out.byte(QUOTE)
      out.text(this.#idFrom[element]!, this.#idTo[element]!)
      out.piece(OPEN_OBJECT)
      this.#writeParams(element, out)
      out.byte(0x7d)
    }
    out.byte(0x7d)
  }

  /** Those of the element, and of later ones of the same id. */
  #writeParams(element: number, out: JsonWriter): void {
    let isFirst = true
    const last = this.#mayRepeat ? this.elementCount - 1 : element
    for (let same = element; same <= last; same++) {
      if (same > element && !this.#isSameId(element, same)) continue
      for (let param = this.#firstParam[same]!; param < this.#firstParam[same + 1]!; param++) {
        if (this.#mayRepeat && this.#isOverruled(element, same, param)) continue
        if (!isFirst) out.byte(COMMA)
        isFirst = false
        out.byte(QUOTE)
        out.text(this.#nameFrom[param]!, this.#nameTo[param]!)
        out.piece(COLON)
        if (this.#valueEscaped[param] === 0) out.text(this.#valueFrom[param]!, this.#valueTo[param]!)
        else this.#writeEscapedValue(this.#valueFrom[param]!, this.#valueTo[param]!, out)
        out.byte(QUOTE)
      }
    }
  }

  /** The text between the escapes; of an escape only the character behind the backslash. */
  #writeEscapedValue(from: number, to: number, out: JsonWriter): void {
    const bytes = this.#bytes
    let piece = from
    for (let at = from; at + 1 < to; at++) {
      if (bytes[at] !== BACKSLASH) continue
      const next = bytes[at + 1]!
      if (next !== QUOTE && next !== BACKSLASH && next !== CLOSE) continue
      out.text(piece, at)
      piece = ++at
    }
    out.text(piece, to)
  }

  #isRepeated(element: number): boolean {
    for (let earlier = 0; earlier < element; earlier++) if (this.#isSameId(earlier, element)) return true
    return false
  }

  #isSameId(a: number, b: number): boolean {
    return this.#isSame(this.#idFrom[a]!, this.#idTo[a]!, this.#idFrom[b]!, this.#idTo[b]!)
  }

  /** Whether an element of the same id has a parameter of the same name behind this one. */
  #isOverruled(element: number, owner: number, param: number): boolean {
    for (let same = owner; same < this.elementCount; same++) {
      if (same > owner && !this.#isSameId(element, same)) continue
      const first = same === owner ? param + 1 : this.#firstParam[same]!
      for (let later = first; later < this.#firstParam[same + 1]!; later++) {
        if (this.#nameHash[later] === this.#nameHash[param] && this.#isSameName(later, param)) return true
      }
    }
    return false
  }

  #isSameName(a: number, b: number): boolean {
    return this.#isSame(this.#nameFrom[a]!, this.#nameTo[a]!, this.#nameFrom[b]!, this.#nameTo[b]!)
  }

  #isSame(aFrom: number, aTo: number, bFrom: number, bTo: number): boolean {
    if (aTo - aFrom !== bTo - bFrom) return false
    const bytes = this.#bytes
    for (let index = 0; index < aTo - aFrom; index++) {
      if (bytes[aFrom + index] !== bytes[bFrom + index]) return false
    }
    return true
  }
}
