import { once } from 'node:events'
import { connect } from 'node:net'
import { numberedLines } from '../events.ts'
import { Block, requestHead } from '../load/block.ts'
import type { Tally } from '../load/tally.ts'

const ANSWER_MS_MAX = 10_000

/** Connections that come, send one event and go, as those of many small shippers: each leaves nothing behind. */
export class Visitors {
  readonly #tally: Tally
  #nextIndex: number
  readonly #endIndex: number

  /** Events from `firstIndex` on are theirs, `events` of them. */
  constructor(tally: Tally, firstIndex: number, events: number) {
    this.#tally = tally
    this.#nextIndex = firstIndex
    this.#endIndex = firstIndex + events
  }

  get left(): number {
    return this.#endIndex - this.#nextIndex
  }

  /** Resolves when the collector has closed the connection too. */
  async overTcp(port: number): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    socket.end(this.#nextEvent(Buffer.alloc(0)))
    socket.resume()
    await once(socket, 'close', { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  }

  /** Resolves when the request was answered and the connection is closed; an answer other than 200 rejects. */
  async overHttp(port: number): Promise<void> {
    const lines = numberedLines(1, 0, 'ndjson')
    const socket = connect(port, '127.0.0.1')
    socket.write(this.#nextEvent(requestHead(lines, port)))
    const [answer]: Buffer[] = await once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    socket.end()
    await closed
    const text = answer!.toString('latin1')
    if (!text.startsWith('HTTP/1.1 200')) throw new Error(`answered ${text}`)
  }

  #nextEvent(head: Buffer): Buffer {
    const block = new Block(numberedLines(1, 0, 'ndjson'), head, this.#tally)
    block.number(this.#nextIndex++)
    return block.bytes
  }
}
