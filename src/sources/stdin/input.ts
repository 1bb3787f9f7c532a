import { fstatSync, read, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { devNull } from 'node:os'
import { isatty, ReadStream } from 'node:tty'

/** What bytes are read from, one read at a time, and nothing beyond: what was not asked for stays where it is. */
export interface Input {
  /**
   * Reads what is there, up to the length of the buffer. Resolves to the number of bytes, 0 at the end, and null when
   * `close` came before; rejects when reading fails. Only one read at a time.
   */
  read(): Promise<number | null>
  /** Ends a read that is under way. */
  close(): void
}

/**
 * Opens a file descriptor for reading into `buffer`. Pipes, sockets and terminals are waited for by the event loop,
 * since a thread that waits in a read could neither be called back nor leave what comes later to others; files are
 * always ready and can only be read by a thread. Throws where it is neither, such as a device.
 */
export function openInput(fd: number, buffer: Uint8Array): Input {
  const stat = fstatSync(fd)
  if (stat.isDirectory()) throw new Error('it is a directory')
  if (stat.isFIFO() || stat.isSocket() || isatty(fd)) return new StreamInput(fd, buffer)
  if (stat.isCharacterDevice() && stat.rdev !== statSync(devNull).rdev) {
    throw new Error('it is a device, which may keep its reader waiting; read it through a pipe (cat ... |)')
  }
  return new FileInput(fd, buffer)
}

/** How a stream is over: at its end, by `close`, or by a fault. */
type Over = { readonly result: 0 | null } | { readonly error: Error }

class StreamInput implements Input {
  readonly #socket: Socket
  #pending: PromiseWithResolvers<number | null> | null = null
  /** What the next reads find, once the stream is over. */
  #over: Over | null = null

  constructor(fd: number, buffer: Uint8Array) {
    const onread = { buffer, callback: (length: number) => this.#onRead(length) }
    // `manualStart` is not documented; process.stdin is made with it too.
    const options = { fd, readable: true, writable: false, manualStart: true, onread }
    this.#socket = isatty(fd) ? new ReadStream(fd, { onread }) : new Socket(options)
    this.#socket.on('end', () => this.#end({ result: 0 }))
    this.#socket.on('error', (error) => this.#end({ error }))
    this.#socket.on('close', () => this.#end({ result: null }))
  }

  read(): Promise<number | null> {
    this.#pending = Promise.withResolvers()
    const { promise } = this.#pending
    if (this.#over === null) this.#socket.resume()
    else this.#settle()
    return promise
  }

  /** False: no further read until it is asked for. */
  #onRead(length: number): false {
    this.#pending!.resolve(length)
    this.#pending = null
    return false
  }

  #end(over: Over): void {
    this.#over ??= over
    this.#settle()
  }

  #settle(): void {
    const over = this.#over!
    if ('error' in over) this.#pending?.reject(over.error)
    else this.#pending?.resolve(over.result)
    this.#pending = null
  }

  close(): void {
    this.#end({ result: null })
    this.#socket.destroy()
  }
}

class FileInput implements Input {
  readonly #fd: number
  readonly #buffer: Uint8Array
  #closed = false

  constructor(fd: number, buffer: Uint8Array) {
    this.#fd = fd
    this.#buffer = buffer
  }

  read(): Promise<number | null> {
    return new Promise((resolve, reject) => {
      read(this.#fd, this.#buffer, 0, this.#buffer.length, null, (error, length) => {
        if (error !== null) reject(error)
        else resolve(this.#closed ? null : length)
      })
    })
  }

  close(): void {
    this.#closed = true
  }
}
