import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Block } from './block.ts'
import type { Answer } from './load.ts'
import type { StreamCursor } from './stream.ts'
import { monotonicMs } from './tally.ts'

const BACKOFF_MS = 50

/** One connection of a TCP or HTTP stream: sends its blocks in turn; over HTTP one request at a time, again when told to. */
export class Sender {
  readonly #cursor: StreamCursor
  readonly #blocks: readonly Block[]
  #socket: Socket | null = null
  #answers: AnswerReader | null = null
  malformed = 0
  bytes = 0
  retries = 0
  refused = 0
  readonly answers: Answer[] = []

  constructor(cursor: StreamCursor, blocks: readonly Block[]) {
    this.#cursor = cursor
    this.#blocks = blocks
  }

  /** Resolves when the stream has no more events; the connection stays open. */
  async run(): Promise<void> {
    await this.#connect()
    let turn = 0
    for (let first = this.#cursor.take(); first !== -1; first = this.#cursor.take()) {
      const dueAtMs = this.#cursor.dueAtMs(first)
      const waitMs = dueAtMs - monotonicMs()
      // oxlint-disable-next-line no-await-in-loop -- a connection sends one block after another
      if (waitMs > 0) await sleep(waitMs)
      const block = this.#blocks[turn++ % this.#blocks.length]!
      // What is sent late, because the collector does not read, counts from when it was due.
      block.number(first, dueAtMs || monotonicMs())
      this.malformed += block.malformed
      // oxlint-disable-next-line no-await-in-loop
      await (this.#cursor.plan.mode === 'tcp' ? this.#write(block) : this.#request(block))
    }
  }

  close(): void {
    this.#socket?.end()
  }

  async #connect(): Promise<void> {
    this.#socket?.destroy()
    const socket = connect({ host: '127.0.0.1', port: this.#cursor.plan.port, noDelay: true })
    this.#socket = socket
    this.#answers = new AnswerReader(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    // What goes wrong later shows as an answer that doesn't come, or as events that are missing.
    socket.on('error', () => {})
  }

  #write({ bytes }: Block): Promise<void> {
    this.bytes += bytes.length
    return new Promise((resolve, reject) => {
      this.#socket!.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Sends until the answer is neither 429 nor 503. */
  async #request({ bytes }: Block): Promise<void> {
    const sentAtMs = monotonicMs()
    for (;;) {
      if (this.#socket!.destroyed || this.#answers!.closing) await this.#connect() // oxlint-disable-line no-await-in-loop
      // An answer may come before the request is sent whole.
      const answer = this.#answers!.next()
      this.bytes += bytes.length
      this.#socket!.write(bytes)
      const status = await answer // oxlint-disable-line no-await-in-loop
      if (status !== 429 && status !== 503 && status !== 0) {
        if (status < 200 || status > 299) this.refused++
        else this.answers.push({ sentAtMs, tookMs: monotonicMs() - sentAtMs })
        return
      }
      this.retries++
      await sleep(BACKOFF_MS) // oxlint-disable-line no-await-in-loop
    }
  }
}

/** Reads the answers of one connection: status line, head, a body of `Content-Length`. */
class AnswerReader {
  /** The server closes the connection after the last answer. */
  closing = false
  #text = ''
  #resolve: ((status: number) => void) | null = null

  constructor(socket: Socket) {
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#take(text))
    socket.on('close', () => this.#answered(0))
  }

  /** Status of the next answer, 0 when the connection ends without. */
  next(): Promise<number> {
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  #take(text: string): void {
    this.#text += text
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const head = this.#text.slice(0, headEnd)
    const end = headEnd + 4 + Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#text.length < end) return
    this.#text = this.#text.slice(end)
    this.closing ||= /connection: *close/i.test(head)
    this.#answered(Number(head.slice(9, 12)))
  }

  #answered(status: number): void {
    this.#resolve?.(status)
    this.#resolve = null
  }
}
