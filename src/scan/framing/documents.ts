/**
 * Structural framing: a sequence of JSON documents, with or without blanks between them (RFC 8259 grammar).
 *
 *     stream   = [ BOM ] *document
 *     document = array / envelope / record
 *     array    = "[" [ record *( "," record ) ] "]"          one event an element
 *     envelope = "{" %s"\"logs\"" ":" array "}"              an object whose only key is `logs`, holding an array
 *     record   = any other value; one that is no object is refused by its schema
 *
 * A schema that declares `logs` has no envelopes. `logs` must be spelled without escapes. Whether a document is an
 * envelope is decided within `max_record_bytes` of its beginning: by what stands behind the array, if that can be seen;
 * an array that goes on longer, or never ends, is an envelope's.
 *
 * A source with a records path has other envelopes: objects that hold an array where the path leads. What stands before
 * the array, within `max_record_bytes` of the document's beginning, and behind it is checked and passed over; behind it
 * a member longer than `max_record_bytes` is passed over by its nesting alone, and with it the rest of its object.
 *
 * A record that is well-formed but refused takes no other with it. Where the grammar fails, nothing that follows can be
 * trusted: the rest is one `bad_framing` entry, and the stream is at its end. Records that are too long or too deep are
 * only passed over by their nesting.
 *
 * Framing goes on over any number of extents; between them it is one small integer (RUN.STATE):
 *
 *     bits 0..2   what comes next (EXPECTS)
 *     bit 3       it comes in an envelope's array
 *     bit 4       first goes on the value that is being passed over, whose nesting is
 *     bits 5..27  (src/scan/framing/nesting.ts)
 *     bits 28..30 behind the array of a records path: so many of its objects are still open
 */
import { RESULT } from '../../memory/extent-ring.ts'
import { RUN_OUTCOME } from '../../memory/frame-region.ts'
import type { Extent } from '../extent.ts'
import { UNDECIDED } from '../scanner.ts'
import { MALFORMED, skipBlanks, skipMember, skipValue, TOO_DEEP, TRUNCATED } from '../skip.ts'
import { CUT, insideContainer } from './container.ts'
import { Nesting, UNENDED } from './nesting.ts'

export const EXPECTS = {
  /** A stream's first byte, nothing decided. */
  BEGINNING: 0,
  /** Not here: an AUTO stream that turned out to be lines. */
  LINE: 1,
  DOCUMENT: 2,
  /** Behind "[": an element or "]". */
  FIRST_ELEMENT: 3,
  /** Behind ",": an element. */
  ELEMENT: 4,
  /** Behind an element: "," or "]". */
  NEXT: 5,
  /** Behind an envelope's array: "}", or with a records path "," and a member. */
  CLOSE: 6,
} as const
const EXPECTS_MASK = 7
const IN_ENVELOPE = 1 << 3
const PASSING = 1 << 4
const NESTING_SHIFT = 5
const NESTING_MASK = (1 << 23) - 1
const LEVEL_SHIFT = 28
const LEVEL_MASK = 7 << LEVEL_SHIFT
/** Longest records path: its open objects are counted in the state. */
export const RECORDS_PATH_KEYS_MAX = 7

const LF = 0x0a
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const LOGS_KEY = new TextEncoder().encode('"logs"')

/** The framer stops here; why is in the extent's result, or in `outcome`. */
const STOP = -1
/** Answers to whether an envelope begins; an offset means that its array's first element comes there. */
const NO_ENVELOPE = -1
const UNKNOWN = -2

/** Frames one run at a time. `frame`, then look at `state` and `outcome`. */
export class DocumentFramer {
  state = 0
  outcome: number = RUN_OUTCOME.OK
  #extent!: Extent
  #bytes!: Uint8Array
  #to = 0
  #ended = false
  readonly #nesting = new Nesting()

  /**
   * Frames [from, to) from `state` on; `ended`: the stream's last byte and then one LF are in it. Returns the offset
   * reached. That is `to`; or, with the extent's result set, the beginning of a record for which there was no room, or
   * of a piece that is of no use without more bytes behind it.
   */
  frame(extent: Extent, from: number, to: number, state: number, ended: boolean): number {
    this.#extent = extent
    this.#bytes = extent.bytes
    this.#to = to
    this.#ended = ended
    this.state = state === EXPECTS.BEGINNING ? EXPECTS.DOCUMENT : state
    this.outcome = RUN_OUTCOME.DOCUMENTS
    let at = from
    for (;;) {
      if ((this.state & PASSING) === 0) at = skipBlanks(this.#bytes, at, to, true)
      let next: number
      if (at < to) next = this.#step(at)
      else if (!ended || this.state === EXPECTS.DOCUMENT) return to
      else {
        // Before the LF behind the stream, so that something is left to resume with if there is no room.
        at = Math.max(from, to - 1)
        next = this.#fail(at)
      }
      if (next === STOP) return this.outcome === RUN_OUTCOME.BAD_FRAMING ? to : at
      at = next
    }
  }

  /** Takes what is at `at`, not blank and not the end. Returns the offset behind it, or STOP. */
  #step(at: number): number {
    if ((this.state & PASSING) !== 0) return this.#goOnPassing(at)
    const byte = this.#bytes[at]
    switch (this.state & EXPECTS_MASK) {
      case EXPECTS.NEXT:
        if (byte === COMMA) return this.#expect(EXPECTS.ELEMENT | (this.state & IN_ENVELOPE), at + 1)
        return byte === CLOSE_ARRAY ? this.#closeArray(at) : this.#fail(at)
      case EXPECTS.FIRST_ELEMENT:
        return byte === CLOSE_ARRAY ? this.#closeArray(at) : this.#record(at)
      case EXPECTS.ELEMENT:
        return this.#record(at)
      case EXPECTS.CLOSE:
        return this.#behindArray(at, byte!)
      default:
        return this.#document(at, byte!)
    }
  }

  #document(at: number, byte: number): number {
    if (byte === OPEN_ARRAY) return this.#expect(EXPECTS.FIRST_ELEMENT, at + 1)
    const { recordsPath, declaresLogs } = this.#extent.kernel
    if (byte !== OPEN_OBJECT || (recordsPath === null && declaresLogs)) return this.#record(at)
    const inside = recordsPath === null ? this.#insideEnvelope(at) : this.#insideContainer(at, recordsPath)
    if (inside === NO_ENVELOPE) return this.#record(at)
    if (inside === UNKNOWN) return this.#wantMore()
    return this.#expect(EXPECTS.FIRST_ELEMENT | IN_ENVELOPE, inside)
  }

  #closeArray(at: number): number {
    const level = this.#extent.kernel.recordsPath?.length ?? 0
    const close = EXPECTS.CLOSE | (level << LEVEL_SHIFT)
    return this.#expect((this.state & IN_ENVELOPE) !== 0 ? close : EXPECTS.DOCUMENT, at + 1)
  }

  #behindArray(at: number, byte: number): number {
    if (byte === CLOSE_OBJECT) return this.#expect(this.#behindObject(), at + 1)
    return byte === COMMA && this.#extent.kernel.recordsPath !== null ? this.#passMember(at) : this.#fail(at)
  }

  /** What comes behind the innermost of the objects that are open around the array. */
  #behindObject(): number {
    const level = (this.state & LEVEL_MASK) >>> LEVEL_SHIFT
    return level > 1 ? EXPECTS.CLOSE | ((level - 1) << LEVEL_SHIFT) : EXPECTS.DOCUMENT
  }

  /** Passes over "," and a member behind the array of a records path. */
  #passMember(at: number): number {
    const { maxRecordBytes, maxDepth } = this.#extent.kernel
    const window = Math.min(this.#to, at + maxRecordBytes + 1)
    let end = skipMember(this.#bytes, at + 1, window, maxDepth, true)
    if (end === MALFORMED) return this.#fail(at)
    // A number has no end of its own, and the object goes on in any case.
    if (end === window) end = TRUNCATED
    if (end === TRUNCATED && window - at <= maxRecordBytes) return this.#unfinished(at)
    this.#extent.pendingBreak = true
    if (end >= 0) return end
    this.#nesting.begin(1)
    const behind = this.#behindObject()
    const passed = this.#nesting.pass(this.#bytes, at, this.#to)
    if (passed !== UNENDED) return this.#expect(behind, passed)
    if (this.#ended || this.#nesting.state < 0) return this.#fail(at)
    return this.#expect(behind | PASSING | (this.#nesting.state << NESTING_SHIFT), this.#to)
  }

  #expect(state: number, at: number): number {
    this.state = state
    return at
  }

  /** What comes behind a record that is expected now. */
  #behindRecord(): number {
    return this.state === EXPECTS.DOCUMENT ? EXPECTS.DOCUMENT : EXPECTS.NEXT | (this.state & IN_ENVELOPE)
  }

  #record(at: number): number {
    const extent = this.#extent
    if (extent.isFull()) return STOP
    if (this.#bytes[at] === OPEN_OBJECT && !extent.condemned) {
      const { scanner } = extent.kernel
      const end = scanner.scanValue(at, this.#to)
      if (end !== UNDECIDED) {
        const taken = extent.accept(at, end, scanner.severity, scanner.timeMs, scanner.rawBreaks)
        return taken ? this.#expect(this.#behindRecord(), end) : STOP
      }
    }
    return this.#undecidedRecord(at)
  }

  #undecidedRecord(at: number): number {
    const extent = this.#extent
    const { maxRecordBytes, maxDepth } = extent.kernel
    // How a record is taken depends on no more than its first bytes, so that it doesn't matter where extents end.
    const window = Math.min(this.#to, at + maxRecordBytes + 1)
    let end = skipValue(this.#bytes, at, window, maxDepth, true)
    if (end === MALFORMED) return this.#fail(at)
    // A number or a name has no end of its own.
    if (end === window && !isDelimited(this.#bytes[at]!)) end = TRUNCATED
    if (end === TRUNCATED && window - at <= maxRecordBytes) return this.#unfinished(at)
    if (end < 0) {
      this.#nesting.begin()
      const passed = this.#nesting.pass(this.#bytes, at, this.#to)
      if (passed === UNENDED) return this.#passOver(at, end === TOO_DEEP)
      end = passed
    }
    return extent.decide(at, end) ? this.#expect(this.#behindRecord(), end) : STOP
  }

  /** The record at `at`, which runs on at `to`, is refused now; what comes is passed over until it ends. */
  #passOver(at: number, tooDeep: boolean): number {
    const extent = this.#extent
    const { maxRecordBytes, sizeRule } = extent.kernel
    if (this.#nesting.state < 0) return this.#fail(at)
    if (tooDeep && this.#to - at <= maxRecordBytes) return this.#unfinished(at)
    const end = this.#streamEnd()
    if (!extent.reject(at, end, 'oversize_record', '', sizeRule)) return STOP
    return this.#expect(this.#behindRecord() | PASSING | (this.#nesting.state << NESTING_SHIFT), end)
  }

  #goOnPassing(at: number): number {
    this.#nesting.restore((this.state >>> NESTING_SHIFT) & NESTING_MASK)
    const behind = this.state & (EXPECTS_MASK | IN_ENVELOPE | LEVEL_MASK)
    const end = this.#nesting.pass(this.#bytes, at, this.#to)
    if (end !== UNENDED) return this.#expect(behind, end)
    if (this.#ended || this.#nesting.state < 0) return this.#fail(at)
    return this.#expect(behind | PASSING | (this.#nesting.state << NESTING_SHIFT), this.#to)
  }

  /**
   * Whether the object at `at` is an envelope: the offset behind its "[", or NO_ENVELOPE, or UNKNOWN. What its array
   * holds is not looked at here.
   */
  #insideEnvelope(at: number): number {
    const bytes = this.#bytes
    const window = Math.min(this.#to, at + this.#extent.kernel.maxRecordBytes)
    const cut = window === this.#to && !this.#ended ? UNKNOWN : NO_ENVELOPE
    let i = skipBlanks(bytes, at + 1, window, true)
    for (const byte of LOGS_KEY) {
      if (i >= window) return cut
      if (bytes[i++] !== byte) return NO_ENVELOPE
    }
    for (const byte of [COLON, OPEN_ARRAY]) {
      i = skipBlanks(bytes, i, window, true)
      if (i >= window) return cut
      if (bytes[i++] !== byte) return NO_ENVELOPE
    }
    const inside = i
    this.#nesting.begin()
    const end = this.#nesting.pass(bytes, inside - 1, window)
    if (end !== UNENDED) i = skipBlanks(bytes, end, window, true)
    if (end === UNENDED || i >= window) return cut === UNKNOWN ? UNKNOWN : inside
    return bytes[i] === COMMA ? NO_ENVELOPE : inside
  }

  /** As `#insideEnvelope`, for a document that holds its records where the path leads. */
  #insideContainer(at: number, path: readonly string[]): number {
    const { maxRecordBytes, maxDepth } = this.#extent.kernel
    const window = Math.min(this.#to, at + maxRecordBytes)
    const inside = insideContainer(this.#bytes, at, window, path, maxDepth)
    if (inside === CUT) return window === this.#to && !this.#ended ? UNKNOWN : NO_ENVELOPE
    if (inside > 0) this.#extent.pendingBreak = true
    return inside
  }

  /** Where the stream's own bytes end in this extent: the LF behind them is not theirs. */
  #streamEnd(): number {
    return this.#ended && this.#bytes[this.#to - 1] === LF ? this.#to - 1 : this.#to
  }

  /** The value at `at` runs on at `to`. */
  #unfinished(at: number): number {
    return this.#ended ? this.#fail(at) : this.#wantMore()
  }

  #wantMore(): number {
    this.#extent.result = RESULT.MORE
    return STOP
  }

  /** The grammar fails at `at`, or in the value that begins there. */
  #fail(at: number): number {
    const end = Math.max(at, this.#streamEnd())
    if (this.#extent.isFull()) return STOP
    if (!this.#extent.reject(at, end, 'bad_framing', '', 'JSON documents, complete and well-formed'))
      return STOP
    this.outcome = RUN_OUTCOME.BAD_FRAMING
    return STOP
  }
}

/** Whether a value that begins so ends with a byte of its own. */
function isDelimited(first: number): boolean {
  return first === 0x22 || first === OPEN_ARRAY || first === OPEN_OBJECT
}
