import type { Socket } from 'node:net'
import { WAITING_BYTES } from './number-finder.ts'
import type { NumberFinder } from './number-finder.ts'

const HEAD_CHARS_MAX = 16_384

/** What a request is, from its first line and its headers. */
export interface PostHead {
  /** Of its path: `/2` is 2, `/` is 0. */
  readonly target: number
  readonly bodyBytes: number
  readonly isChunked: boolean
  readonly isLast: boolean
}

type State = 'head' | 'body' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer'

/**
 * Reads the requests of one connection, with bodies of a given length or in chunks, and looks for numbers in them as they
 * come: node:http would copy every byte and take as much of the processor as what is measured.
 */
export class PostReader {
  readonly #socket: Socket
  readonly #finder: NumberFinder
  /** Returns the status of the answer. */
  readonly #taken: (target: number) => number
  #state: State = 'head'
  #head: PostHead | null = null
  #text = ''
  #bytesLeft = 0

  constructor(socket: Socket, finder: NumberFinder, taken: (target: number) => number) {
    this.#socket = socket
    this.#finder = finder
    this.#taken = taken
  }

  /** `from` is at least WAITING_BYTES. */
  take(bytes: Buffer, from: number, to: number): void {
    if (from < WAITING_BYTES) throw new RangeError('no room before what was read')
    let at = from
    while (at < to) {
      if (this.#state === 'body' || this.#state === 'chunk') at = this.#takeBody(bytes, at, to)
      else at = this.#takeLine(bytes, at, to)
    }
  }

  #takeBody(bytes: Buffer, at: number, to: number): number {
    const end = Math.min(to, at + this.#bytesLeft)
    this.#finder.take(bytes, at, end)
    this.#bytesLeft -= end - at
    if (this.#bytesLeft > 0) return end
    if (this.#state === 'chunk') this.#state = 'chunk end'
    else this.#answer()
    return end
  }

  /** A head, or a line between chunks: as text, until its end has come. */
  #takeLine(bytes: Buffer, at: number, to: number): number {
    const ending = this.#state === 'head' ? '\r\n\r\n' : '\r\n'
    const had = this.#text.length
    this.#text += bytes.toString('latin1', at, Math.min(to, at + HEAD_CHARS_MAX))
    const end = this.#text.indexOf(ending)
    if (end === -1) {
      if (this.#text.length > HEAD_CHARS_MAX) this.#socket.destroy()
      return to
    }
    const line = this.#text.slice(0, end)
    this.#text = ''
    this.#lineTaken(line)
    return at + end + ending.length - had
  }

  #lineTaken(line: string): void {
    if (this.#state === 'head') this.#begin(parseHead(line), line)
    else if (this.#state === 'chunk end') this.#state = 'chunk size'
    else if (this.#state === 'trailer') {
      if (line === '') this.#answer()
    } else {
      this.#bytesLeft = parseInt(line, 16)
      this.#state = this.#bytesLeft === 0 ? 'trailer' : 'chunk'
    }
  }

  #begin(head: PostHead, text: string): void {
    this.#head = head
    this.#finder.begin()
    if (/^expect: *100-continue/im.test(text)) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    this.#bytesLeft = head.bodyBytes
    this.#state = head.isChunked ? 'chunk size' : 'body'
    if (!head.isChunked && head.bodyBytes === 0) this.#answer()
  }

  #answer(): void {
    this.#finder.end()
    const { target, isLast } = this.#head!
    const status = this.#taken(target)
    this.#state = 'head'
    const answer = `HTTP/1.1 ${status} Answered\r\nContent-Length: 0\r\n${isLast ? 'Connection: close\r\n' : ''}\r\n`
    if (isLast) this.#socket.end(answer)
    else this.#socket.write(answer)
  }
}

export function parseHead(text: string): PostHead {
  return {
    target: Number(/^\S+ \/(\d+)/.exec(text)?.[1] ?? 0),
    bodyBytes: Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0),
    isChunked: /^transfer-encoding: *chunked/im.test(text),
    isLast: /^connection: *close/im.test(text),
  }
}
