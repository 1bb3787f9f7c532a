import { STATUS_CODES } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection } from './connection.ts'
import type { Door, Exchange } from './exchange.ts'
import { plainHead } from './plain-head.ts'
import type { RequestHead, Wire } from './wire.ts'

/** What the front needs of its source. */
export interface FrontDoor extends Door {
  /** Begins the exchange of a request that comes in; null: it is to be refused. */
  admitted(connection: Connection, head: RequestHead, wire: Wire): Exchange | null
  /** Fields of an answer on a connection that goes on, each with its line end. */
  readonly keepAliveFields: string
  /** From here on the connection is node:http's. */
  handOver(front: Front, socket: Socket): void
  /** The client has ended in the middle of a request. */
  brokenOff(connection: Connection): void
}

/**
 * A connection whose requests are plain (`plainHead`) and come in, one after another. At the first one that is not, or that
 * does not wait for the answer to the one before, it goes to node:http, for good:
 *
 *     head -plain-> body -its end-> answer -> head ...
 *      |                              |
 *      +--anything else, or slow------+--the next one is there--> node:http
 *
 * Nothing is seen by both: what goes over begins with the first byte behind the last request that was taken.
 */
export class Front implements Wire {
  readonly reusesBuffer = true
  readonly #door: FrontDoor
  readonly #connection: Connection
  #exchange: Exchange | null = null
  /** Bytes of its body still to come. */
  #bodyLeft = 0
  /** The beginning of a head. */
  #head: Buffer | null = null
  /** What came behind a request that is not answered. */
  #next: Buffer | null = null
  /** The exchange takes no more now. */
  #paused = false
  /** All of the body has come, which the exchange has not heard because of that. */
  #endWaits = false
  #clientEnded = false
  /** The last answer was given: what still comes, before the socket is gone, is nobody's. */
  #over = false
  #handedOver = false
  /** Something came or went since the source looked last. */
  #active = true
  #activeAtMs = 0
  #headIsSlow = false

  constructor(door: FrontDoor, connection: Connection) {
    this.#door = door
    this.#connection = connection
    const { socket } = connection
    socket.on('error', () => {})
    socket.on('end', () => this.#ended())
    socket.on('drain', () => this.#readOn())
  }

  get #socket(): Socket {
    return this.#connection.socket
  }

  // ---- the way in

  /** Bytes of the connection, in a buffer that is used again. */
  read(chunk: Buffer): boolean {
    // What node:http doesn't read from the kernel by itself.
    if (this.#handedOver) return this.#socket.push(Buffer.from(chunk))
    if (this.#over) return true
    this.#active = true
    let rest = chunk
    while (rest.length > 0 && !this.#handedOver) {
      if (this.#bodyLeft > 0) rest = this.#takeBody(rest)
      else if (this.#exchange === null) rest = this.#takeHead(rest)
      else {
        this.#next = Buffer.from(rest)
        this.#socket.pause()
        break
      }
    }
    return true
  }

  #takeBody(chunk: Buffer): Buffer {
    const bytes = Math.min(chunk.length, this.#bodyLeft)
    this.#bodyLeft -= bytes
    const exchange = this.#exchange!
    exchange.body(bytes === chunk.length ? chunk : chunk.subarray(0, bytes))
    if (this.#bodyLeft === 0) {
      if (this.#paused) this.#endWaits = true
      else exchange.bodyEnded()
    }
    return chunk.subarray(bytes)
  }

  #takeHead(chunk: Buffer): Buffer {
    // The answer to the last request was the last.
    if (this.#connection.closing) return NOTHING
    const bytes = this.#head === null ? chunk : Buffer.concat([this.#head, chunk])
    const head = plainHead(bytes)
    if (head === 'unfinished') {
      this.#head = Buffer.from(bytes)
      return NOTHING
    }
    this.#head = null
    this.#headIsSlow = false
    const exchange = head === 'other' ? null : this.#door.admitted(this.#connection, head, this)
    if (head === 'other' || exchange === null) {
      this.#handOver(bytes)
      return NOTHING
    }
    this.#exchange = exchange
    this.#bodyLeft = head.contentLength
    exchange.admit()
    return bytes.subarray(head.headBytes)
  }

  #handOver(bytes: Uint8Array): void {
    const socket = this.#socket
    this.#handedOver = true
    this.#head = this.#next = null
    // Or it would never be read from the socket what was put back.
    socket.pause()
    socket.unshift(Buffer.from(bytes))
    this.#door.handOver(this, socket)
    socket.resume()
  }

  /** The client has closed its side. It may still want its answer. */
  #ended(): void {
    if (this.#handedOver) return
    this.#clientEnded = true
    const inTheMiddle = this.#bodyLeft > 0 || this.#head !== null
    this.#head = null
    if (inTheMiddle) this.#door.brokenOff(this.#connection)
    else if (this.#exchange === null) this.#socket.end()
  }

  // ---- what the exchange says

  /** It hears of its body anyway. */
  listen(): void {}

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#readOn()
    if (!this.#endWaits) return
    this.#endWaits = false
    const exchange = this.#exchange
    // Not in the middle of what the exchange is doing.
    process.nextTick(() => exchange?.bodyEnded())
  }

  #readOn(): void {
    if (this.#handedOver || this.#paused || this.#next !== null) return
    if (!this.#socket.writableNeedDrain) this.#socket.resume()
  }

  answer(status: number, headers: OutgoingHttpHeaders, body: string, whole: boolean): void {
    this.#active = true
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
    for (const name in headers) text += `${name}: ${String(headers[name])}\r\n`
    if (headers.connection === undefined) text += this.#door.keepAliveFields
    // Who doesn't read the answers is not read.
    if (!this.#socket.write(`${text}\r\n${body}`)) this.#socket.pause()
    if (whole) this.#goOn(headers.connection !== undefined)
  }

  #goOn(closing: boolean): void {
    this.#exchange = null
    if (closing || this.#clientEnded) {
      this.#over = true
      this.#socket.destroySoon()
    } else if (this.#next !== null) this.#handOver(this.#next)
  }

  end(): void {
    this.#goOn(true)
  }

  // ---- time

  /** Looked at now and then: closes what is quiet for `idle_timeout` between requests, as node:http does. */
  sweep(nowMs: number): void {
    if (this.#connection.closing) return
    if (this.#head !== null) {
      // How long it may take, node:http knows.
      if (this.#headIsSlow) this.#handOver(this.#head)
      this.#headIsSlow = true
      return
    }
    if (this.#active || this.#exchange !== null) {
      this.#active = false
      this.#activeAtMs = nowMs
    } else if (nowMs - this.#activeAtMs >= this.#door.config.idleTimeoutMs) this.#socket.destroy()
  }
}

const NOTHING = Buffer.alloc(0)
