import assert from 'node:assert'
import { PEER_BYTES_MAX } from '../../memory/frame-region.ts'
import type { RecordError } from '../../scan/worker-context.ts'
import { DatagramWriter } from './datagram-writer.ts'
import { DocumentWriter } from './document-writer.ts'
import type { ExtentTerms } from './extent-terms.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import { LineWriter } from './line-writer.ts'
import type { RunAnswer, Telling } from './pending-extent.ts'
import { recordEnds } from './record-ends.ts'

/** How a stream's bytes are told apart into records. */
export type Framing = 'lines' | 'documents' | 'auto' | SyslogFraming | 'datagrams'

/**
 * For sources whose messages are decoded: lines, octet counting (RFC 6587 section 3.4.1), told apart by the stream's
 * first bytes (auto), or messages that end with NUL.
 */
export type SyslogFraming = 'syslog-newline' | 'syslog-octets' | 'syslog-auto' | 'syslog-nul'

export interface StreamOptions {
  /** Who sends, as in `192.0.2.7:51234`. */
  readonly peer: string
  readonly framing: Framing
  /** Of every record of it; by reference, so that streams may share an extent. */
  readonly terms?: ExtentTerms
  /** The caller uses its read buffer again: what can't be placed at once is copied. */
  readonly reusesBuffer?: boolean
  /** After `write` said false: there is room again, go on reading. */
  onDrain(): void
  /**
   * The stream has ended and everything of it is as safe as the source's `ack` wants it; the counts are final. Without it
   * nothing is tracked.
   */
  onDone?(stream: Stream): void
}

/** What of a stream was told to its client at most. */
export const STREAM_ERRORS_MAX = 5

/** Where a writer puts a stream's bytes; one for newline framing, one for structure. */
export interface StreamWriter {
  /** Takes what there is room for and returns the rest (then the stream is in line, or its extent is out), or null. */
  take(chunk: Uint8Array): Uint8Array | null
  /** The stream has ended (its last chunk was taken): places what is unfinished. False: not yet, the stream is resumed. */
  finish(clean: boolean): boolean
  /** An extent of this stream alone was committed up to `consumed`. */
  extentDone(consumed: number, outcome: number, state: number): void
  /** Lets go of lanes and blocks. */
  close(): void
}

/**
 * One stream of bytes into an intake: a connection, a request body. Everything about where bytes wait is in here, so
 * that a source only reads, writes, and pauses when told to.
 */
export class Stream {
  readonly intake: Intake
  readonly id: number
  readonly peer: Uint8Array
  readonly terms: ExtentTerms | null
  readonly #options: StreamOptions
  #writer: StreamWriter
  #parked: Uint8Array[] = []
  #ending: 'open' | 'clean' | 'broken' = 'open'
  #finished = false
  #done = false
  /** Runs of this stream in extents not yet committed. */
  #outstanding = 0
  /** Runs of this stream in the shared lane, not yet cut. */
  #placed = 0
  records = 0
  accepted = 0
  rejected = 0
  shed = 0
  /** Records that workers have found so far, committed or not. */
  #framed = 0
  /** What workers have found so far, as safe as `ack` wants it or not. */
  readonly found = { accepted: 0, rejected: 0, shed: 0 }
  /** Structure was lost: what came after is not taken. */
  badFraming = false
  readonly errors: Omit<RecordError, 'run'>[] = []

  constructor(intake: Intake, id: number, options: StreamOptions) {
    this.intake = intake
    this.id = id
    this.terms = options.terms ?? null
    this.peer = Buffer.from(options.peer.slice(0, PEER_BYTES_MAX), 'latin1')
    this.#options = options
    this.#writer = this.#firstWriter(options.framing)
  }

  #firstWriter(framing: Framing): StreamWriter {
    if (framing === 'documents' || framing === 'auto') return new DocumentWriter(this, framing === 'auto')
    if (framing === 'datagrams') return new DatagramWriter(this)
    return new LineWriter(this, recordEnds(framing), null)
  }

  /**
   * Takes a datagram and its sender; the bytes are copied. False: there is no room, and it was not taken. (There is for
   * one after `Intake.hasRoom(DATAGRAM_ROOM_BYTES)` said so.)
   */
  datagram(payload: Uint8Array, address: string, port: number): boolean {
    assert(this.#writer instanceof DatagramWriter)
    return this.#writer.put(payload, address, port)
  }

  /**
   * Takes a chunk of at most `Intake.chunkBytesMax`; the bytes are copied or, until there is room, kept: the caller must not reuse them
   * after false. False: read no more until `onDrain`.
   */
  write(chunk: Uint8Array): boolean {
    if (this.badFraming || this.#ending !== 'open') return true
    const rest = this.waiting ? chunk : this.#writer.take(chunk)
    if (rest === null) return true
    this.#parked.push(this.toKeep(rest))
    this.intake.heldByStreams += rest.length
    return false
  }

  /** A chunk that stays outside of the arena for a while. */
  toKeep(chunk: Uint8Array): Uint8Array {
    return this.#options.reusesBuffer === true ? new Uint8Array(chunk) : chunk
  }

  /** No more bytes: `clean` at a proper end, else what is unfinished was broken off. */
  end(clean: boolean): void {
    if (this.#ending !== 'open') return
    this.#ending = clean ? 'clean' : 'broken'
    this.#settle()
  }

  /** There may be room again; called by the intake. Whoever still finds none has joined a line again. */
  resume(): void {
    while (this.#parked.length > 0) {
      const chunk = this.#parked[0]!
      const rest = this.#writer.take(chunk)
      this.intake.heldByStreams -= chunk.length - (rest?.length ?? 0)
      if (rest !== null) {
        this.#parked[0] = rest
        return
      }
      this.#parked.shift()
    }
    if (this.#ending === 'open') this.#options.onDrain()
    else this.#settle()
  }

  get peerText(): string {
    return Buffer.from(this.peer).toString('latin1')
  }

  get waiting(): boolean {
    return this.#parked.length > 0
  }

  get ended(): boolean {
    return this.#ending !== 'open'
  }

  #settle(): void {
    if (this.waiting) return
    if (!this.#finished) {
      if (!this.badFraming && !this.#writer.finish(this.#ending === 'clean')) return
      this.#finished = true
      if (this.#placed > 0) this.intake.hurry()
    }
    this.#checkDone()
  }

  #checkDone(): void {
    if (!this.#finished || this.#outstanding > 0 || this.#placed > 0 || this.#done) return
    this.#done = true
    this.#writer.close()
    this.intake.forget(this)
    this.#options.onDone?.(this)
  }

  /**
   * Nobody waits for `onDone` any more, which then is not called. False: not all of it is framed yet, so the stream goes on
   * to its end as it would.
   */
  abandon(): boolean {
    if (!this.#finished || this.#placed > 0 || this.#done) return false
    this.#done = true
    this.#writer.close()
    this.intake.forget(this)
    return true
  }

  /** A run of this stream began in the shared lane. */
  runPlaced(): void {
    this.#placed++
  }

  /** A run of this stream was put into an extent. */
  runCut(): void {
    this.#outstanding++
    // What a stream has in the shared lane is cut before it gets a lane of its own.
    if (this.#placed > 0) this.#placed--
  }

  /** What a worker found in a part of a run; returns how many records there were before. */
  runFramed({ records, accepted, rejected, shed }: RunAnswer): number {
    const before = this.#framed
    this.#framed += records
    this.found.accepted += accepted
    this.found.rejected += rejected
    this.found.shed += shed
    return before
  }

  /** A part of a run is as safe as the source's `ack` wants it. */
  runCommitted({ records, accepted, rejected, shed, errors, firstIndex, complete }: Telling): void {
    for (const { index, category, path, expected } of errors) {
      if (this.errors.length === STREAM_ERRORS_MAX) break
      this.errors.push({ index: firstIndex + index, category, path, expected })
    }
    this.records += records
    this.accepted += accepted
    this.rejected += rejected
    this.shed += shed
    if (complete) this.#outstanding--
    this.#checkDone()
  }

  /** The worker is done with an extent of this stream alone: what comes behind it may follow. */
  extentFramed(consumed: number, outcome: number, state: number): void {
    this.#writer.extentDone(consumed, outcome, state)
    this.#checkDone()
  }

  /** Structure was lost. What waits is dropped (it was never taken), the source is told by `onDone` after `end`. */
  loseFraming(): void {
    this.badFraming = true
    for (const chunk of this.#parked) this.intake.heldByStreams -= chunk.length
    this.#parked = []
    this.#options.onDrain()
    if (this.#ending !== 'open') this.#settle()
  }

  /** The body turned out to be lines: go on so, with the lane that it has. */
  becomeLines(lane: Lane): void {
    this.#writer = new LineWriter(this, recordEnds('lines'), lane)
    this.resumeLater()
  }

  resumeLater(): void {
    if (this.#parked.length > 0 || this.#ending !== 'open') this.intake.retry(this)
  }

  /** For a hot connection: the writer, when it frames lines. */
  get lineWriter(): LineWriter | null {
    return this.#writer instanceof LineWriter ? this.#writer : null
  }
}
