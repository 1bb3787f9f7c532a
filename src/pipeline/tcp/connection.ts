import type { Socket } from 'node:net'
import type { Intake } from '../intake/intake.ts'
import type { Stream, SyslogFraming } from '../intake/stream.ts'
import type { KernelReader } from './kernel-read.ts'

/** A read that fills so much of what was offered comes from a connection that has more to say. */
const BUSY_FRACTION = 0.5
const BUSY_READS = 3

/** How the bytes of a connection are told apart into records. */
export type TcpFraming = 'lines' | SyslogFraming

/** What the connections of a source share. */
export interface ColdReading {
  readonly framing: TcpFraming
  /** Where cold reads go, one after another. */
  readonly scratch: Uint8Array
  /** How much of it a cold connection is offered now. */
  offerBytes(): number
  /** After every cold read: pauses all cold connections when the next one might find no room. */
  afterColdRead(): void
  now(): number
}

/**
 * One connection: cold (it reads into the source's scratch buffer, and whole lines are copied into the shared lane) or
 * hot (the kernel reads straight into a lane of its own).
 */
export class Connection {
  readonly stream: Stream
  readonly #intake: Intake
  readonly #shared: ColdReading
  #reader: KernelReader | null = null
  #hot = false
  /** Where the read that is under way goes: into the lane, or into the scratch buffer. */
  #readsIntoLane = false
  #busyReads = 0
  /** Paused by its own stream, which waits for room. */
  #blocked = false
  lastReadAtMs: number
  closed = false

  constructor(intake: Intake, shared: ColdReading, peer: string) {
    this.#intake = intake
    this.#shared = shared
    this.lastReadAtMs = shared.now()
    this.stream = intake.openStream({
      peer,
      framing: shared.framing,
      reusesBuffer: true,
      onDrain: () => this.#onDrain(),
    })
  }

  attach(reader: KernelReader): void {
    this.#reader = reader
  }

  get #socket(): Socket {
    return this.#reader!.socket
  }

  get hot(): boolean {
    return this.#hot
  }

  /** Waits for room or for a lane of its own: what it has to say is not read. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Has the beginning of a line and nothing since. */
  get unfinished(): boolean {
    return this.stream.lineWriter!.unfinishedBytes > 0
  }

  /** Where the kernel writes next; a blocked connection is not read, but some buffer it must be given. */
  buffer(): Uint8Array {
    const space = this.#hot && !this.#blocked ? this.stream.lineWriter!.space() : null
    this.#readsIntoLane = space !== null
    return space ?? this.#shared.scratch.subarray(0, this.#shared.offerBytes())
  }

  onRead(length: number): boolean {
    if (!this.#readsIntoLane) return this.coldRead(this.#shared.scratch.subarray(0, length))
    this.lastReadAtMs = this.#shared.now()
    this.stream.lineWriter!.wrote(length)
    return this.#mayReadOn()
  }

  /** Bytes in a buffer that is used again. False: stop reading. */
  coldRead(chunk: Uint8Array): boolean {
    this.lastReadAtMs = this.#shared.now()
    if (!this.stream.write(chunk)) this.#blocked = true
    else if (!this.#hot && this.#intake.lanesWanted) this.giveLaneBack()
    const busy = chunk.length >= this.#shared.offerBytes() * BUSY_FRACTION
    this.#busyReads = busy ? this.#busyReads + 1 : 0
    if (this.#busyReads >= BUSY_READS) this.#promote()
    this.#shared.afterColdRead()
    return this.#mayReadOn()
  }

  /** Without room in its lane a hot connection waits for `onDrain`. */
  #mayReadOn(): boolean {
    if (this.#hot && !this.#blocked && this.stream.lineWriter!.space() === null) this.#blocked = true
    return !this.#blocked
  }

  #promote(): void {
    const writer = this.stream.lineWriter!
    if (this.#blocked || this.#reader === null || !(writer.lane !== null || this.#intake.lanesToSpare)) return
    this.#hot = writer.lane !== null || writer.openLane()
    this.#busyReads = 0
  }

  /** Lets go of its lane, if it has one and the unfinished line fits a block; a hot connection is cold then. */
  giveLaneBack(): void {
    if (this.#blocked || !this.stream.lineWriter!.closeLane() || !this.#hot) return
    this.#hot = false
    this.offerScratch()
  }

  /** Offers the scratch buffer, at its present size, for the read that is under way. */
  offerScratch(): void {
    if (this.#hot) return
    this.#readsIntoLane = false
    this.#reader?.setBuffer(this.#shared.scratch.subarray(0, this.#shared.offerBytes()))
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (this.closed || this.#blocked) return
    this.#readOn()
  }

  /** It was not idle while it was not read. */
  #readOn(): void {
    this.lastReadAtMs = this.#shared.now()
    this.#socket.resume()
  }

  #onDrain(): void {
    this.#blocked = false
    if (this.closed || this.#reader === null) return
    if (!this.#hot && !this.#intake.hasRoom(this.#shared.offerBytes())) {
      // Resumed with all the others when there is room.
      this.#shared.afterColdRead()
      return
    }
    this.#readOn()
  }

  /** Tells the peer to send no more. */
  endOutput(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  close(clean: boolean): void {
    this.closed = true
    this.stream.end(clean)
  }
}
