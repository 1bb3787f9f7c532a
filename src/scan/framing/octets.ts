/**
 * Octet counting, RFC 6587 section 3.4.1:
 *
 *     TCP-DATA     = *SYSLOG-FRAME
 *     SYSLOG-FRAME = MSG-LEN SP SYSLOG-MSG
 *     MSG-LEN      = NONZERO-DIGIT *DIGIT
 *
 * and what senders make of it: line feeds, carriage returns, blanks and NULs between frames are passed over, and where
 * no length stands, or one that can't be believed, everything up to the next line feed is a message. So a length that
 * lies costs its own frames their borders, but loses no byte, and the stream goes on.
 *
 * Whether a stream counts octets at all is told by its first frame: only if a length, a blank and the `<` of a priority
 * stand there. Many header-less lines begin with a number.
 */

/** No frame is longer: `max_record_bytes` can't be set higher, and a larger length is a lie. */
export const OCTET_COUNT_MAX = 8 * 1024 * 1024
/** Longest MSG-LEN SP, with some separators before it. */
export const OCTET_HEAD_BYTES_MAX = 16

const NUL = 0x00
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const ZERO = 0x30
const NINE = 0x39
const LESS = 0x3c

const START = 0
const LENGTH = 1
/** Undecided, behind the first length: `<` must come. */
const PRIORITY = 2
const MESSAGE = 3
const LINE = 4

/** Finds the frames of a stream, over any number of pieces. Both the thread that cuts extents and the worker use it. */
export class OctetFrames {
  /** What the stream's first frame said; null: it has not been seen. */
  counted: boolean | null
  /** Of the frame found last: the message's offsets. They are right where the frame was found in one piece. */
  messageFrom = 0
  messageTo = 0
  #frameFrom = 0
  #state = START
  /** The length so far, then what of the message is still to come. */
  #count = 0
  readonly #saved = { counted: null as boolean | null, state: START, count: 0 }

  constructor(counted: boolean | null) {
    this.counted = counted
  }

  /** No frame has begun. */
  get atStart(): boolean {
    return this.#state === START
  }

  /** What has begun is ended by a line feed, not by its length. */
  get inLine(): boolean {
    return this.#state === LINE || this.#state === LENGTH || this.#state === START
  }

  /** The next byte begins a frame. */
  restart(): void {
    this.#state = START
  }

  save(): void {
    this.#saved.counted = this.counted
    this.#saved.state = this.#state
    this.#saved.count = this.#count
  }

  /** Back to where it was saved. */
  rewind(): void {
    this.counted = this.#saved.counted
    this.#state = this.#saved.state
    this.#count = this.#saved.count
  }

  /**
   * Goes on at `from`: the offset behind the next frame, or -1 where none ends before `to`; all is looked at then. Also
   * -1 as soon as the stream turns out not to count.
   */
  next(bytes: Uint8Array, from: number, to: number): number {
    let at = from
    for (;;) {
      if (this.#state === START) {
        at = skipSeparators(bytes, at, to)
        if (at === to) return -1
        this.#frameFrom = at
        this.#count = 0
        this.#state = LENGTH
      }
      if (this.#state === LENGTH) {
        at = this.#length(bytes, at, to)
        if (this.#state === LENGTH) return -1
      }
      if (this.#state === PRIORITY) {
        if (at === to) return -1
        this.counted = bytes[at] === LESS
        this.#state = this.counted ? MESSAGE : LINE
        this.messageFrom = at
      }
      if (this.counted !== true) {
        this.counted = false
        return -1
      }
      if (this.#state === MESSAGE) {
        const length = Math.min(this.#count, to - at)
        this.#count -= length
        if (this.#count > 0) return -1
        this.#state = START
        return (this.messageTo = at + length)
      }
      const end = lineFeed(bytes, at, to)
      if (end === to) return -1
      this.#state = START
      this.messageFrom = this.#frameFrom
      this.messageTo = end
      return end + 1
    }
  }

  /** MSG-LEN SP, or the beginning of a line. */
  #length(bytes: Uint8Array, from: number, to: number): number {
    let at = from
    for (; at < to; at++) {
      const digit = bytes[at]! - ZERO
      if (digit >= 0 && digit <= 9 && (digit > 0 || this.#count > 0)) {
        this.#count = this.#count * 10 + digit
        if (this.#count <= OCTET_COUNT_MAX) continue
        this.#state = LINE
        return at
      }
      if (bytes[at] !== SPACE || this.#count === 0) {
        this.#state = LINE
        return at
      }
      this.#state = this.counted === null ? PRIORITY : MESSAGE
      this.messageFrom = at + 1
      return at + 1
    }
    return at
  }
}

/** Where the message begins of a frame that begins at `from`. */
export function behindLength(bytes: Uint8Array, from: number, to: number): number {
  let at = skipSeparators(bytes, from, to)
  while (at < to && bytes[at]! >= ZERO && bytes[at]! <= NINE) at++
  return at < to && bytes[at] === SPACE ? at + 1 : from
}

/** What may stand between frames. */
export function skipSeparators(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && isSeparator(bytes[at]!)) at++
  return at
}

function isSeparator(byte: number): boolean {
  return byte === LF || byte === CR || byte === SPACE || byte === NUL
}

function lineFeed(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] !== LF) at++
  return at
}
