import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { bodyOf, countWellFormed } from './numbered-events.ts'
import type { Witness } from './witness.ts'

/** How long somebody waits who was refused: shorter than Retry-After, which is polite, and a torture is not. */
const REFUSED_WAIT_MS = 25
const POLL_MS = 2
/** Behind its rate by more than this, the client does not try to catch up. */
const LAG_MS_MAX = 250
const ANSWER_TIMEOUT_MS = 20_000

export interface ClientOptions {
  readonly witness: Witness
  /** That the source wants: another collector may have had its port. */
  readonly token: string
  /** From 0 to 1. */
  readonly random: () => number
  readonly connections: number
  /** null: as many as are taken. */
  readonly eventsPerSecond: number | null
  /** Each request has from 1 to so many. */
  readonly eventsPerRequestMax: number
}

interface Answer {
  readonly accepted?: number
  readonly rejected?: number
}

/** Sends numbered events, none of them twice, and tells the witness which ones it got a 2xx for. */
export class Client {
  readonly #options: ClientOptions
  readonly #loops: readonly Promise<void>[]
  #url: string | null = null
  #agent: Agent | null = null
  #next = 0
  #dueAtMs = 0
  #stopped = false
  /** Requests with a 2xx. */
  taken = 0
  /** Requests answered 429 or 503. */
  refused = 0
  /** Requests that got no whole answer. */
  broken = 0
  /** Answers that are no answers to what was sent. */
  readonly strange: string[] = []
  /** Of requests with a 2xx. */
  latenciesMs: number[] = []

  constructor(options: ClientOptions) {
    this.#options = options
    this.#loops = Array.from({ length: options.connections }, () => this.#loop())
  }

  /** From now on it sends there. */
  connect(url: string): void {
    const { connections } = this.#options
    this.#agent = new Agent({
      connections,
      pipelining: 1,
      allowH2: false,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    })
    this.#url = url
  }

  /** Sends nothing for the time being; resolves when all requests under way have come to their end. */
  async pause(): Promise<void> {
    const agent = this.#agent
    this.#url = this.#agent = null
    await agent?.close()
  }

  /** As `pause`, for the time when the collector is dead. */
  async disconnect(): Promise<void> {
    const agent = this.#agent
    this.#url = this.#agent = null
    await agent?.destroy()
  }

  /** It will send no more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
    await this.pause()
  }

  /** It has used up its numbers. */
  get exhausted(): boolean {
    return this.#next + this.#options.eventsPerRequestMax > this.#options.witness.eventsMax
  }

  async #loop(): Promise<void> {
    /* oxlint-disable no-await-in-loop -- one request after another */
    while (!this.#stopped) {
      const url = this.#url
      const agent = this.#agent
      const now = performance.now()
      if (url === null || agent === null || this.exhausted || now < this.#dueAtMs) await sleep(POLL_MS)
      else if (!(await this.#send(url, agent, this.#take(now)))) await sleep(REFUSED_WAIT_MS)
    }
    /* oxlint-enable no-await-in-loop */
  }

  /** The next numbers; the clock moves on by as much as they are worth. */
  #take(nowMs: number): { first: number; count: number } {
    const { random, eventsPerRequestMax, eventsPerSecond } = this.#options
    const count = 1 + Math.floor(random() * eventsPerRequestMax)
    const first = this.#next
    this.#next += count
    if (eventsPerSecond !== null)
      this.#dueAtMs = Math.max(this.#dueAtMs, nowMs - LAG_MS_MAX) + (1000 * count) / eventsPerSecond
    return { first, count }
  }

  /** False when there is a reason to wait. */
  async #send(url: string, agent: Agent, numbers: { first: number; count: number }): Promise<boolean> {
    const { first, count } = numbers
    const { witness, token } = this.#options
    witness.sent(first, count)
    const startMs = performance.now()
    try {
      const { statusCode, body } = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
        body: bodyOf(first, count),
        dispatcher: agent,
      })
      const text = await body.text()
      if (statusCode === 429 || statusCode === 503) {
        this.refused++
        return false
      }
      if (statusCode === 200) {
        this.taken++
        this.latenciesMs.push(performance.now() - startMs)
        witness.acknowledged(first, count)
      }
      this.#check(statusCode, text, numbers)
      return true
    } catch {
      this.broken++
      return false
    }
  }

  #check(status: number, text: string, { first, count }: { first: number; count: number }): void {
    const accepted = countWellFormed(first, count)
    const answer: Answer = JSON.parse(text)
    if (status === 200 && answer.accepted === accepted && answer.rejected === count - accepted) return
    this.strange.push(`${status} ${text.slice(0, 200)} for ${accepted} of ${count} events`)
  }
}
