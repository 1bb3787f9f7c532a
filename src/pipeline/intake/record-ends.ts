import { RUN_KIND } from '../../memory/frame-region.ts'
import { OCTET_HEAD_BYTES_MAX, OctetFrames } from '../../scan/framing/octets.ts'
import type { Framing } from './stream.ts'

const NUL = 0x00
const LF = 0x0a

/**
 * Where the records of a stream end, as far as the main thread must know: only whole ones are handed over. It is shown
 * every byte of the stream once, in order, piece by piece.
 */
export interface RecordEnds {
  /** RUN_KIND of what it is about. */
  readonly kind: number
  /** Bytes that may stand before a record of greatest length. */
  readonly headBytesMax: number
  /** What makes the unfinished record a whole one where the stream properly ends; null: nothing can. */
  readonly terminator: Uint8Array | null
  /** The offset behind the last record that ends in [from, to), -1: none. */
  lastEnd(bytes: Uint8Array, from: number, to: number): number
  /** The offset behind the first one; what follows it has not been shown then. */
  firstEnd(bytes: Uint8Array, from: number, to: number): number
  /** Notes where it is in the stream, and goes back there: what was shown since will be shown again. */
  save(): void
  rewind(): void
  /** What will be shown next begins a record. */
  restart(): void
}

/** Records that end with a byte of their own. */
class DelimitedEnds implements RecordEnds {
  readonly kind: number
  readonly headBytesMax = 0
  readonly terminator: Uint8Array
  readonly #delimiter: number

  constructor(kind: number, delimiter: number) {
    this.kind = kind
    this.terminator = Uint8Array.of(delimiter)
    this.#delimiter = delimiter
  }

  lastEnd(bytes: Uint8Array, from: number, to: number): number {
    let at = to - 1
    while (at >= from && bytes[at] !== this.#delimiter) at--
    return at >= from ? at + 1 : -1
  }

  firstEnd(bytes: Uint8Array, from: number, to: number): number {
    const at = bytes.subarray(from, to).indexOf(this.#delimiter)
    return at === -1 ? -1 : from + at + 1
  }

  save(): void {}

  rewind(): void {}

  restart(): void {}
}

const LINE_ENDS = new DelimitedEnds(RUN_KIND.LINES, LF)
const NUL_ENDS = new DelimitedEnds(RUN_KIND.NULS, NUL)

/** Frames with their length before them, or, where the stream turns out to have none, lines. */
class OctetEnds implements RecordEnds {
  readonly headBytesMax = OCTET_HEAD_BYTES_MAX
  readonly #frames: OctetFrames

  /** `counted` null: the stream's first bytes tell. */
  constructor(counted: true | null) {
    this.#frames = new OctetFrames(counted)
  }

  get kind(): number {
    return this.#frames.counted === true ? RUN_KIND.OCTETS : RUN_KIND.LINES
  }

  get terminator(): Uint8Array | null {
    return this.#frames.counted !== true || this.#frames.inLine ? LINE_ENDS.terminator : null
  }

  lastEnd(bytes: Uint8Array, from: number, to: number): number {
    const frames = this.#frames
    let end = -1
    while (frames.counted !== false) {
      const next = frames.next(bytes, end === -1 ? from : end, to)
      if (next === -1) break
      end = next
    }
    if (frames.counted === false) return LINE_ENDS.lastEnd(bytes, from, to)
    // Line feeds behind the last frame go with it, or they would be an unfinished one.
    return frames.atStart && to > from ? to : end
  }

  firstEnd(bytes: Uint8Array, from: number, to: number): number {
    const next = this.#frames.counted === false ? -1 : this.#frames.next(bytes, from, to)
    return this.#frames.counted === false ? LINE_ENDS.firstEnd(bytes, from, to) : next
  }

  save(): void {
    this.#frames.save()
  }

  rewind(): void {
    this.#frames.rewind()
  }

  restart(): void {
    this.#frames.restart()
  }
}

/** For a framing whose records the main thread can tell apart. */
export function recordEnds(framing: Exclude<Framing, 'documents' | 'auto' | 'datagrams'>): RecordEnds {
  switch (framing) {
    case 'syslog-nul':
      return NUL_ENDS
    case 'syslog-octets':
      return new OctetEnds(true)
    case 'syslog-auto':
      return new OctetEnds(null)
    default:
      return LINE_ENDS
  }
}
