import assert from 'node:assert'
import { spwError } from '../base/errors.ts'
import type { Intake } from '../pipeline/intake/intake.ts'
import type { Framing, Stream } from '../pipeline/intake/stream.ts'

const LF = 0x0a

export interface InletOptions {
  /** Of the source. */
  readonly name: string
  readonly intake: Intake
  readonly framing: Framing
}

/** The way into a source for the program around the collector, beside the source's door: whole lines or nothing. */
export class Inlet {
  readonly #options: InletOptions
  #state: 'new' | 'open' | 'closed' = 'new'
  #stream: Stream | null = null
  /** One promise for all that wait. */
  #room: PromiseWithResolvers<void> | null = null

  constructor(options: InletOptions) {
    this.#options = options
  }

  /** From now on there may be room. */
  open(): void {
    this.#state = 'open'
    this.#look()
  }

  /**
   * Takes lines, the last of which need not end in a line feed, and copies them. False when there is no room for all of
   * them, or the inlet is not open: then none was taken.
   *
   * @throws SpillwayError SPW_ERR_ENQUEUE_TOO_LONG when so many bytes would never fit.
   */
  enqueue(lines: Uint8Array): boolean {
    if (lines.length === 0) return true
    const { name, intake } = this.#options
    const whole = lines[lines.length - 1] === LF ? lines : withLineFeed(lines)
    const { chunkBytesMax } = intake
    if (whole.length > chunkBytesMax) {
      throw spwError('SPW_ERR_ENQUEUE_TOO_LONG', { source: name, bytes: whole.length, max: chunkBytesMax })
    }
    if (this.#state !== 'open' || !intake.hasRoom(whole.length)) return false
    this.#stream ??= this.#openStream()
    const taken = this.#stream.write(whole)
    assert(taken, 'whole lines are placed where there is room')
    return true
  }

  /** Resolves when `enqueue` may take something; rejects with SPW_ERR_COLLECTOR_STOPPED when it never will again. */
  whenRoom(): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(spwError('SPW_ERR_COLLECTOR_STOPPED', {}))
    if (this.#room === null) {
      this.#room = Promise.withResolvers()
      const { promise } = this.#room
      this.#look()
      return promise
    }
    return this.#room.promise
  }

  #look(): void {
    if (this.#room === null || this.#state !== 'open') return
    const { intake } = this.#options
    if (intake.hasRoom(1)) {
      this.#room.resolve()
      this.#room = null
    } else intake.onRoom(() => this.#look())
  }

  #openStream(): Stream {
    const { intake, framing } = this.#options
    // What is placed at once never waits, so there is nothing to be told of.
    return intake.openStream({ peer: '', framing, onDrain() {} })
  }

  /** Takes no more; what was taken is whole. May be called twice. */
  close(): void {
    this.#state = 'closed'
    this.#stream?.end(true)
    // Unhandled where nobody waits any more.
    this.#room?.promise.catch(() => {})
    this.#room?.reject(spwError('SPW_ERR_COLLECTOR_STOPPED', {}))
    this.#room = null
  }
}

function withLineFeed(lines: Uint8Array): Uint8Array {
  const whole = new Uint8Array(lines.length + 1)
  whole.set(lines)
  whole[lines.length] = LF
  return whole
}
