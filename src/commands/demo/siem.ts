/** The pretend SIEM: takes batches over HTTP, is slow or turns them away now and then, and counts each event that it took. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { FIRST_NUMBER, NUMBER_DIGITS } from '../send/template.ts'
import { NumberSet } from './number-set.ts'
import type { Mood } from './scenario.ts'

export interface SiemReport {
  readonly mood: Mood
  /** Different events that it took. */
  readonly unique: number
  /** Events that it took once more. */
  readonly repeats: number
  /** Events without a number, which nobody has sent. */
  readonly strange: number
  /** Requests answered 429 or 503. */
  readonly turnedAway: number
  readonly slowRequests: number
}

const KEY = Buffer.from('"seq":')
const DIGIT_0 = 0x30
const LF = 0x0a

export class Siem {
  readonly #mood: () => Mood
  readonly #server: Server
  /** By the first digit: each kind of sender has its own. */
  readonly #seen = new Map<number, NumberSet>()
  #repeats = 0
  #strange = 0
  #turnedAway = 0
  #slowRequests = 0

  constructor(mood: () => Mood) {
    this.#mood = mood
    this.#server = createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy())
    })
  }

  /** Resolves with the port on loopback. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address()
        resolve(address !== null && typeof address === 'object' ? address.port : 0)
      })
    })
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  get report(): SiemReport {
    let unique = 0
    for (const { count } of this.#seen.values()) unique += count
    return {
      mood: this.#mood(),
      unique,
      repeats: this.#repeats,
      strange: this.#strange,
      turnedAway: this.#turnedAway,
      slowRequests: this.#slowRequests,
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const mood = this.#mood()
    if (mood.kind === 'throttling') {
      this.#turnedAway++
      response.writeHead(mood.status, { 'retry-after': String(mood.retryAfterS), 'content-length': 0 }).end()
      return
    }
    if (mood.kind === 'slow') {
      this.#slowRequests++
      await sleep(mood.delayMs)
    }
    this.#count(Buffer.concat(chunks))
    response.writeHead(200, { 'content-length': 0 }).end()
  }

  #count(body: Buffer): void {
    for (let from = 0; from < body.length;) {
      const lf = body.indexOf(LF, from)
      const to = lf === -1 ? body.length : lf
      const at = body.indexOf(KEY, from)
      if (at === -1 || at >= to) this.#strange++
      else this.#countNumber(numberAt(body, at + KEY.length))
      from = to + 1
    }
  }

  #countNumber(number: number): void {
    const kind = Math.floor(number / FIRST_NUMBER)
    let seen = this.#seen.get(kind)
    if (seen === undefined) this.#seen.set(kind, (seen = new NumberSet()))
    if (!seen.add(number % FIRST_NUMBER)) this.#repeats++
  }
}

function numberAt(body: Buffer, from: number): number {
  let number = 0
  for (let at = from; at < from + NUMBER_DIGITS; at++) number = number * 10 + body[at]! - DIGIT_0
  return number
}
