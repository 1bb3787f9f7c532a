/**
 * The body of an answer to `_bulk`, read as it comes in, so that neither it nor objects of it are ever held:
 *
 *     { ..., "items": [ { "<action>": { "status": n, "error": { "type": s, "reason": s, "caused_by": { "reason": s } } } } ] }
 *
 * with any further members and in any order. JSON's structure is checked, what stands in numbers and strings that mean
 * nothing here is not.
 */
import { Buffer } from 'node:buffer'

/** As much of a type or reason is kept as can be told. */
const TEXT_BYTES_MAX = 400
/** `\\u` and four digits. */
const ESCAPE_BYTES_MAX = 6
const DEPTH_MAX = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** What is expected next; STRING, ESCAPE and BARE: what is being read. */
const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const COLON = 4
const COMMA_OR_END = 5
const STRING = 6
const ESCAPE = 7
const BARE = 8
const NOTHING_MORE = 9
const BROKEN = 10

/** What a container is. */
const ROOT = 0
const ITEMS = 1
const ITEM = 2
const ACTION = 3
const ERROR = 4
const CAUSE = 5
const OTHER_OBJECT = 6
const OTHER_ARRAY = 7

/** Keys that mean something, by the container that they stand in. */
const keysOf: readonly (readonly Uint8Array[])[] = [
  ['items'],
  [],
  [],
  ['status', 'error', 'reason'],
  ['type', 'reason', 'caused_by'],
  ['reason'],
  [],
  [],
].map((names) => names.map((name) => Buffer.from(name)))
/** Index in `keysOf`; -1: none of them. */
const ITEMS_KEY = 0
const STATUS_KEY = 0
const ERROR_KEY = 1
const CAUSED_BY_KEY = 2
const OTHER_KEY = -1

/** A text of which the beginning is kept, as it stands in JSON. */
class KeptText {
  readonly #bytes = Buffer.alloc(TEXT_BYTES_MAX)
  #length = 0
  #escaped = false

  clear(): void {
    this.#length = 0
    this.#escaped = false
  }

  add(chunk: Uint8Array, from: number, to: number): void {
    const end = Math.min(to, from + TEXT_BYTES_MAX - this.#length)
    // By hand: most are keys, of a few bytes.
    for (let at = from; at < end; at++) this.#bytes[this.#length++] = chunk[at]!
  }

  /** A byte of an escape. */
  addEscaped(byte: number): void {
    this.#escaped = true
    if (this.#length < TEXT_BYTES_MAX) this.#bytes[this.#length++] = byte
  }

  equals(name: Uint8Array): boolean {
    if (this.#length !== name.length) return false
    for (let at = 0; at < name.length; at++) if (this.#bytes[at] !== name[at]) return false
    return true
  }

  toString(): string {
    const text = this.#bytes.toString('utf8', 0, this.#length)
    return this.#escaped ? unescaped(text) : text
  }
}

/** An escape that was cut off at the end is left out; what is no JSON stays as it is. */
function unescaped(text: string): string {
  for (let end = text.length; end > text.length - ESCAPE_BYTES_MAX; end--) {
    try {
      return String(JSON.parse(`"${text.slice(0, end)}"`))
    } catch {
      // One less.
    }
  }
  return text
}

const ITEMS_DEPTH = 2
const TAKEN_STATUS = 201
/** With the comma behind it, so that the next item is what is expected again. */
const TAKEN_ITEM = Buffer.from(`{"create":{"status":${TAKEN_STATUS}}},`)

/** Is told of each item as it ends; `status` is 0 where there is none. */
export type OnItem = (status: number) => void

export class AnswerScanner {
  readonly #onItem: OnItem
  #state = VALUE
  #depth = 0
  readonly #containers = new Uint8Array(DEPTH_MAX)
  #key = OTHER_KEY
  readonly #keyText = new KeptText()
  /** Where the string being read goes; null: nowhere. */
  #text: KeptText | null = null
  #readsKey = false
  #number = 0
  #status = 0
  readonly #type = new KeptText()
  readonly #reason = new KeptText()
  readonly #cause = new KeptText()

  constructor(onItem: OnItem) {
    this.#onItem = onItem
  }

  /** Whether one whole JSON object has been read. */
  get whole(): boolean {
    return this.#state === NOTHING_MORE
  }

  /** Of the item that has just ended: `error.type`, '' where there is none. */
  get type(): string {
    return this.#type.toString()
  }

  /** `error.reason` and what caused it, or `error` itself where it is a text. */
  get reason(): string {
    const reason = this.#reason.toString()
    const cause = this.#cause.toString()
    return cause === '' || reason.includes(cause) ? reason : `${reason} (${cause})`
  }

  read(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#state === STRING) at = this.#readString(chunk, at)
      else if (this.#state === BARE) at = this.#readBare(chunk, at)
      else if (this.#state === ESCAPE) {
        this.#text?.addEscaped(chunk[at]!)
        this.#state = STRING
        at++
      } else if (this.#state === BROKEN) return
      else {
        at = this.#skipTaken(chunk, at)
        if (at < chunk.length) this.#readMark(chunk[at++]!)
      }
    }
  }

  /** Items that say nothing but that the event was taken, which are nearly all, are told by their bytes. */
  #skipTaken(chunk: Uint8Array, from: number): number {
    if (this.#depth !== ITEMS_DEPTH || this.#state !== VALUE || this.#containers[ITEMS_DEPTH - 1] !== ITEMS)
      return from
    let at = from
    while (at + TAKEN_ITEM.length <= chunk.length) {
      let length = 0
      while (length < TAKEN_ITEM.length && chunk[at + length] === TAKEN_ITEM[length]) length++
      if (length < TAKEN_ITEM.length) break
      this.#beginItem()
      this.#onItem(TAKEN_STATUS)
      at += length
    }
    return at
  }

  #readString(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++
    if (at > from) this.#text?.add(chunk, from, at)
    if (at === chunk.length) return at
    if (chunk[at] === QUOTE) this.#endString()
    else {
      this.#text?.addEscaped(BACKSLASH)
      this.#state = ESCAPE
    }
    return at + 1
  }

  #endString(): void {
    if (!this.#readsKey) {
      this.#state = COMMA_OR_END
      return
    }
    const names = keysOf[this.#containers[this.#depth - 1]!]!
    let key = names.length - 1
    while (key >= 0 && !this.#keyText.equals(names[key]!)) key--
    this.#key = key
    this.#state = COLON
  }

  /** A number, or one of three words; of a status only the digits count. */
  #readBare(chunk: Uint8Array, from: number): number {
    let at = from
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte >= 0x30 && byte <= 0x39) this.#number = this.#number * 10 + byte - 0x30
      else if (isWordByte(byte)) this.#number = NaN
      else break
    }
    if (at < chunk.length) this.#endBare()
    return at
  }

  #endBare(): void {
    const isStatus = this.#containers[this.#depth - 1] === ACTION && this.#key === STATUS_KEY
    if (isStatus && this.#number >= 100 && this.#number < 600) this.#status = this.#number
    this.#state = COMMA_OR_END
  }

  /** A byte between strings and numbers. */
  #readMark(byte: number): void {
    const state = this.#state
    switch (byte) {
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        return
      case QUOTE:
        if (state === KEY || state === KEY_OR_END) return this.#beginString(this.#keyText, true)
        if (this.#takesAnyValue) return this.#beginString(this.#textHere(), false)
        break
      case 0x3a:
        if (state === COLON) return void (this.#state = VALUE)
        break
      case 0x2c:
        if (state === COMMA_OR_END) return void (this.#state = this.#inArray ? VALUE : KEY)
        break
      case 0x7b:
        if (state === VALUE || state === VALUE_OR_END) return this.#open(this.#objectHere(), KEY_OR_END)
        break
      case 0x5b:
        if (this.#takesAnyValue) return this.#open(this.#arrayHere(), VALUE_OR_END)
        break
      case 0x7d:
        if ((state === COMMA_OR_END || state === KEY_OR_END) && !this.#inArray) return this.#close()
        break
      case 0x5d:
        if ((state === COMMA_OR_END || state === VALUE_OR_END) && this.#inArray) return this.#close()
        break
      default:
        if (isWordByte(byte) && this.#takesAnyValue) return this.#beginBare(byte)
    }
    this.#state = BROKEN
  }

  get #inArray(): boolean {
    const container = this.#containers[this.#depth - 1]
    return container === ITEMS || container === OTHER_ARRAY
  }

  /** The answer is an object, and so is each of its items; elsewhere any value may stand. */
  get #takesAnyValue(): boolean {
    if (this.#state !== VALUE && this.#state !== VALUE_OR_END) return false
    return this.#depth > 0 && this.#containers[this.#depth - 1] !== ITEMS
  }

  #beginBare(byte: number): void {
    this.#number = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : NaN
    this.#state = BARE
  }

  #beginString(text: KeptText | null, isKey: boolean): void {
    text?.clear()
    this.#text = text
    this.#readsKey = isKey
    this.#state = STRING
  }

  /** Where a string that is a value goes. */
  #textHere(): KeptText | null {
    if (this.#key === OTHER_KEY) return null
    const container = this.#containers[this.#depth - 1]
    if (container === ACTION) return this.#key === STATUS_KEY ? null : this.#reason
    if (container === ERROR)
      return this.#key === CAUSED_BY_KEY ? null : [this.#type, this.#reason][this.#key]!
    return container === CAUSE ? this.#cause : null
  }

  #objectHere(): number {
    if (this.#depth === 0) return ROOT
    const container = this.#containers[this.#depth - 1]
    if (container === ITEMS) return ITEM
    if (container === ITEM) return ACTION
    if (container === ACTION && this.#key === ERROR_KEY) return ERROR
    return container === ERROR && this.#key === CAUSED_BY_KEY ? CAUSE : OTHER_OBJECT
  }

  #arrayHere(): number {
    return this.#depth === 1 && this.#key === ITEMS_KEY ? ITEMS : OTHER_ARRAY
  }

  #open(container: number, state: number): void {
    if (this.#depth === DEPTH_MAX) {
      this.#state = BROKEN
      return
    }
    if (container === ITEM) this.#beginItem()
    this.#containers[this.#depth++] = container
    this.#key = OTHER_KEY
    this.#state = state
  }

  #beginItem(): void {
    this.#status = 0
    this.#type.clear()
    this.#reason.clear()
    this.#cause.clear()
  }

  #close(): void {
    const container = this.#containers[--this.#depth]
    this.#key = OTHER_KEY
    this.#state = this.#depth === 0 ? NOTHING_MORE : COMMA_OR_END
    if (container === ITEM) this.#onItem(this.#status)
  }
}

/** Of numbers and of true, false and null. */
function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x45
  )
}
