import type { Coding } from '../../pipeline/http/body-form.ts'
import { Inflation } from '../../pipeline/inflation/inflation.ts'
import type { InflationTarget } from '../../pipeline/inflation/inflation.ts'
import { inflaterPermits } from '../../pipeline/inflation/inflater-permits.ts'
import type { Intake } from '../../pipeline/intake/intake.ts'
import type { Framing, Stream } from '../../pipeline/intake/stream.ts'

export interface BodyOptions {
  readonly intake: Intake
  readonly peer: string
  readonly framing: Framing
  readonly coding: Coding
  readonly maxInflatedBytes: number
}

/** Whose body it is. */
export interface BodyOwner {
  /** No more until `resumeBody`. */
  pauseBody(): void
  resumeBody(): void
  /** Whether the server now waits for us: for room, or for memory to inflate with. */
  bodyWaits(waits: boolean): void
  /** Nothing more is taken. What was framed stays in. `lasting`: the same would come again. */
  bodyBroken(reason: string, lasting: boolean): void
  /** The stream has ended: nothing is read any more. */
  bodyEnded(): void
  /** All of it is committed. */
  bodyDone(badFraming: boolean): void
}

/** The body of an answer on its way into the intake, inflated where it is compressed. */
export class Body implements InflationTarget {
  readonly #owner: BodyOwner
  readonly #stream: Stream
  readonly #maxInflatedBytes: number
  readonly #chunkBytesMax: number
  readonly #inflation: Inflation | null
  #inflatedBytes = 0
  /** The inflater has a chunk. */
  #inflating = false
  /** What came nevertheless: at its end a connection tells all that it has read. */
  #pending: Buffer[] = []
  #complete = false
  #ended = false

  constructor(options: BodyOptions, owner: BodyOwner) {
    const { intake, peer, framing, coding } = options
    this.#owner = owner
    this.#maxInflatedBytes = options.maxInflatedBytes
    this.#chunkBytesMax = intake.chunkBytesMax
    this.#inflation = coding === 'identity' ? null : new Inflation(coding, this, inflaterPermits)
    this.#stream = intake.openStream({
      peer,
      framing,
      onDrain: () => this.#drained(),
      onDone: ({ badFraming }) => owner.bodyDone(badFraming),
    })
  }

  write(chunk: Buffer): void {
    if (this.#inflation === null) this.#take(chunk)
    else if (this.#inflating) this.#pending.push(chunk)
    else {
      this.#owner.pauseBody()
      this.#inflate(this.#inflation, chunk)
    }
  }

  /** The answer has come to its end. */
  end(): void {
    this.#complete = true
    if (this.#inflation === null) this.#end(true)
    else if (!this.#inflating) this.#inflation.end()
  }

  /** The answer broke off, or is given up. */
  breakOff(): void {
    this.#end(false)
  }

  // ---- through the inflater

  #inflate(inflation: Inflation, chunk: Buffer): void {
    this.#inflating = true
    inflation.write(chunk)
    if (inflation.waiting) this.#owner.bodyWaits(true)
  }

  inflated(chunk: Buffer): void {
    this.#inflatedBytes += chunk.length
    if (this.#inflatedBytes > this.#maxInflatedBytes)
      this.#break('inflates to more than max_inflated_bytes', true)
    else this.#take(chunk)
  }

  inflaterWantsMore(): void {
    if (!this.#stream.waiting) this.#owner.bodyWaits(false)
    const next = this.#pending.shift()
    if (next !== undefined) {
      this.#inflate(this.#inflation!, next)
      return
    }
    this.#inflating = false
    if (this.#complete) this.#inflation!.end()
    else this.#owner.resumeBody()
  }

  inflationEnded(): void {
    this.#end(true)
  }

  inflationFailed(reason: string): void {
    this.#break(`is not what its content-encoding says: ${reason}`, false)
  }

  // ---- into the stream

  #take(chunk: Buffer): void {
    const stream = this.#stream
    let taken = true
    for (let at = 0; at < chunk.length; at += this.#chunkBytesMax) {
      if (!stream.write(chunk.subarray(at, at + this.#chunkBytesMax))) taken = false
    }
    if (stream.badFraming) this.#break(BAD_FRAMING, true)
    else if (!taken) {
      if (this.#inflation === null) this.#owner.pauseBody()
      else this.#inflation.pause()
      this.#owner.bodyWaits(true)
    }
  }

  #drained(): void {
    if (this.#ended) return
    this.#owner.bodyWaits(false)
    if (this.#stream.badFraming) this.#break(BAD_FRAMING, true)
    else if (this.#inflation === null) this.#owner.resumeBody()
    else this.#inflation.resume()
  }

  #break(reason: string, lasting: boolean): void {
    if (this.#ended) return
    this.#owner.bodyBroken(reason, lasting)
    this.#end(false)
  }

  #end(clean: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#inflation?.close()
    this.#pending = []
    this.#owner.bodyEnded()
    this.#stream.end(clean)
  }
}

export const BAD_FRAMING = 'is no sequence of JSON values: see the dead letters'
