import type { OutgoingHttpHeaders } from 'node:http'
import { formatDurationMs, KIB } from '../../base/units.ts'
import type { Stream } from '../../pipeline/intake/stream.ts'
import type { SourceContext } from '../../pipeline/source.ts'
import { bodyTooLong, inflatedTooLong } from './admission.ts'
import type { Admission } from './admission.ts'
import { acceptedBody, refusalBody } from './answer.ts'
import type { Counts, Refusal } from './answer.ts'
import { codingOf, framingOf } from '../../pipeline/http/body-form.ts'
import type { HttpSourceConfig } from './config.ts'
import type { Connection } from './connection.ts'
import { Inflation } from '../../pipeline/inflation/inflation.ts'
import type { InflationTarget } from '../../pipeline/inflation/inflation.ts'
import { inflaterPermits } from '../../pipeline/inflation/inflater-permits.ts'
import type { RequestHead, Wire } from './wire.ts'

/** So much of an upload is read and thrown away around an early answer; then the client stands still, and is cut off. */
const SWALLOW_BYTES_MAX = 256 * KIB

/** While nothing can be made durable, or validated, a client that waits for that is told so after this time. */
const STALLED_MS = 5000

/** What an exchange needs of its source. */
export interface Door {
  readonly config: HttpSourceConfig
  readonly context: SourceContext
  readonly admission: Admission
  /** Everything of an admitted request is as safe as `ack` wants it, be it answered or not. */
  released(): void
}

/**
 * A request and its answer.
 *
 *     reading -end of body-> committing -as safe as `ack` wants it, or too late-> answered
 *        |                                                                            ^
 *        +--broken, too long, idle: what there is stays-------------------------------+ then the rest of the upload is
 *                                                                                       swallowed
 *
 * `gone`: the client is not there any more.
 */
export class Exchange implements InflationTarget {
  readonly #door: Door
  readonly #connection: Connection
  readonly #head: RequestHead
  readonly #wire: Wire
  #phase: 'reading' | 'committing' | 'answered' | 'gone' = 'reading'
  #stream: Stream | null = null
  #inflation: Inflation | null = null
  /** Why the answer will not be 200. */
  #refusal: Refusal | null = null
  /** The client has sent all. */
  #ended: boolean
  /** The arena has no room: it is not the client that is idle. */
  #paused = false
  #received = 0
  #inflated = 0
  #swallowed = 0
  /** Something happened since the source looked last. */
  #active = true
  #activeAtMs = 0

  constructor(door: Door, connection: Connection, head: RequestHead, wire: Wire) {
    this.#door = door
    this.#connection = connection
    this.#head = head
    this.#wire = wire
    const { headers } = head
    this.#ended = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
  }

  /** Takes the body in. */
  admit(): void {
    const { headers } = this.#head
    const stream = this.#door.context.intake.openStream({
      peer: this.#connection.peer,
      framing: framingOf(headers['content-type']),
      reusesBuffer: this.#wire.reusesBuffer,
      onDrain: () => this.#drained(),
      onDone: (done) => this.#committed(done),
    })
    this.#stream = stream
    if (this.#ended) {
      this.#phase = 'committing'
      stream.end(true)
      return
    }
    const coding = codingOf(headers['content-encoding'])
    if (coding === 'gzip' || coding === 'zstd') this.#inflation = new Inflation(coding, this, inflaterPermits)
    this.#wire.listen(this)
  }

  /** Answers without having taken anything. */
  refuse(refusal: Refusal): void {
    this.#refusal = refusal
    this.#answer(null)
    if (!this.#ended) this.#wire.listen(this)
  }

  // ---- the way in

  /** A piece of the body. */
  body(chunk: Buffer): void {
    this.#active = true
    if (this.#refusal !== null) {
      this.#swallow(chunk.length)
      return
    }
    this.#received += chunk.length
    const { maxBodyBytes } = this.#door.config
    if (this.#received > maxBodyBytes) this.#breakOff(bodyTooLong(maxBodyBytes))
    else if (this.#inflation === null) this.#take(chunk)
    else {
      this.#wire.pause()
      this.#inflation.write(chunk)
    }
  }

  #take(chunk: Buffer): void {
    const stream = this.#stream!
    if (!stream.write(chunk)) {
      this.#paused = true
      ;(this.#inflation ?? this.#wire).pause()
    } else if (stream.badFraming) this.#breakOff(BAD_FRAMING)
  }

  #drained(): void {
    if (this.#phase !== 'reading') return
    this.#paused = false
    this.#active = true
    if (this.#stream!.badFraming) this.#breakOff(BAD_FRAMING)
    else (this.#inflation ?? this.#wire).resume()
  }

  inflated(chunk: Buffer): void {
    this.#inflated += chunk.length
    this.#active = true
    const { maxInflatedBytes } = this.#door.config
    if (this.#inflated > maxInflatedBytes) this.#breakOff(inflatedTooLong(maxInflatedBytes))
    else this.#take(chunk)
  }

  inflaterWantsMore(): void {
    this.#wire.resume()
  }

  inflationFailed(reason: string): void {
    const coding = this.#head.headers['content-encoding']
    this.#breakOff({
      status: 400,
      reason: `broken ${coding}`,
      error: `the body is not whole ${coding}: ${reason}`,
    })
  }

  bodyEnded(): void {
    this.#ended = true
    if (this.#phase === 'answered') this.#wire.end()
    else if (this.#phase !== 'reading') return
    else if (this.#inflation === null) this.#endStream(true)
    else this.#inflation.end()
  }

  inflationEnded(): void {
    this.#endStream(true)
  }

  #endStream(clean: boolean): void {
    this.#phase = 'committing'
    this.#active = true
    this.#stream!.end(clean)
  }

  /** Takes no more of the body. What was framed of it stays in, and is counted in the answer. */
  #breakOff(refusal: Refusal): void {
    if (this.#phase !== 'reading') return
    this.#refusal = refusal
    this.#inflation?.close()
    this.#wire.resume()
    this.#endStream(false)
  }

  /** The request breaks the rules of HTTP in its body; nothing of the connection can be read any more. */
  protocolBroken(refusal: Refusal): void {
    this.#ended = true
    this.#breakOff(refusal)
  }

  connectionGone(): void {
    const { reading } = this
    this.#phase = 'gone'
    if (!reading) return
    this.#inflation?.close()
    this.#stream!.end(false)
  }

  get reading(): boolean {
    return this.#phase === 'reading' && this.#stream !== null
  }

  // ---- the answer

  #committed(stream: Stream): void {
    this.#door.released()
    if (this.#phase !== 'committing') return
    if (stream.badFraming) this.#refusal ??= BAD_FRAMING
    this.#answer(stream)
  }

  #answer(counts: Counts | null): void {
    this.#phase = 'answered'
    const refusal = this.#refusal
    const body = refusal === null ? acceptedBody(counts!) : refusalBody(refusal, counts)
    const headers: OutgoingHttpHeaders = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...refusal?.headers,
    }
    const connection = this.#connection
    const whole = this.#ended
    if (!whole) connection.closing = true
    if (connection.closing && connection.latest === this) headers.connection = 'close'
    if (refusal !== null) this.#countRefusal(refusal)
    if (whole) connection.exchanges.delete(this)
    else connection.linger(() => this.#wire.end())
    this.#wire.answer(refusal?.status ?? 200, headers, body, whole)
  }

  #countRefusal({ status, reason }: Refusal): void {
    const { context, config } = this.#door
    context.events.requestRefused(config.name, this.#connection.peer, status, reason)
  }

  #swallow(bytes: number): void {
    this.#swallowed += bytes
    if (this.#swallowed > SWALLOW_BYTES_MAX) this.#wire.pause()
  }

  // ---- time

  /** Looked at now and then: gives up what has stood still for `idle_timeout`, if it is not for our sake. */
  sweep(nowMs: number): void {
    const { config } = this.#door
    if (this.#active || this.#paused || this.#inflation?.waiting === true) {
      this.#active = false
      this.#activeAtMs = nowMs
    }
    if (nowMs - this.#activeAtMs < this.#patienceMs) return
    this.#activeAtMs = nowMs
    if (this.#phase === 'reading') this.#breakOff(bodyIdle(config.idleTimeoutMs))
    else if (this.#phase === 'answered') this.#connection.socket.destroy()
    else if (this.#phase === 'committing') this.#leave(false)
  }

  get #patienceMs(): number {
    const { config, context } = this.#door
    const { ack, ackTimeoutMs, idleTimeoutMs } = config
    if (this.#phase !== 'committing') return idleTimeoutMs
    const patienceMs = ack === 'delivered' ? ackTimeoutMs : idleTimeoutMs
    return context.accepting() ? patienceMs : Math.min(patienceMs, STALLED_MS)
  }

  /** The source can wait no longer. False: there is nothing to tell the client. */
  leaveToStop(): boolean {
    if (this.#phase !== 'committing') return false
    this.#leave(true)
    return true
  }

  /** Answers before all is as safe as `ack` wants it. Its events stay in, the stream goes on unobserved. */
  #leave(stopping: boolean): void {
    const { found, errors } = this.#stream!
    this.#refusal = this.#door.admission.notAcknowledged(stopping)
    this.#answer({ ...found, errors })
    // It waits no longer for a sink: others may come in.
    if (this.#door.config.ack === 'delivered' && this.#stream!.abandon()) this.#door.released()
  }
}

const BAD_FRAMING: Refusal = {
  status: 400,
  reason: 'bad framing',
  error:
    'the body is not a sequence of JSON values (NDJSON, documents, an array or {"logs": [...]}): ' +
    'what stands behind the last event counted here was not taken',
}

function bodyIdle(idleTimeoutMs: number): Refusal {
  const error = `nothing of the body came for idle_timeout, ${formatDurationMs(idleTimeoutMs)}: send it in one go`
  return { status: 408, reason: 'idle body', error }
}
