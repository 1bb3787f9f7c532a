/* oxlint-disable no-underscore-dangle, typescript/no-unsafe-type-assertion -- what Node does not document is here */
import { Socket, connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

/**
 * Reading from the kernel straight into memory of our choice. Node offers `onread` for outgoing connections only; an
 * accepted one has to be taken apart: its handle goes into a new `net.Socket`. `handle` and `useUserBuffer` are not
 * documented (same in Node 20 to 26), so all of it is in this file, and `kernelReadWorks` tries it at start.
 */
export interface KernelReader {
  readonly socket: Socket
  /** Sets where the next read goes. */
  setBuffer(buffer: Uint8Array): void
}

export interface KernelReadOptions {
  /** Where the next read goes; asked after each `onRead`. */
  buffer(): Uint8Array
  /** So many bytes were read to where `buffer` said. False: read no more until `socket.resume()`. */
  onRead(length: number): boolean
}

interface Handle {
  reading: boolean
  useUserBuffer(buffer: Uint8Array): void
}

/** The members of net.Socket that tie it to its server. */
interface Internals {
  _handle: Handle | null
  _server: unknown
  server: unknown
}

/** Takes over a connection accepted with `pauseOnConnect`, of which nothing was read. */
export function readFromKernel(accepted: Socket, options: KernelReadOptions): KernelReader {
  const old = accepted as unknown as Internals
  const handle = old._handle
  if (handle === null) throw new Error('the connection is closed already')
  const { _server: server } = old
  const socket = new Socket({
    handle,
    manualStart: true,
    allowHalfOpen: accepted.allowHalfOpen,
    readableHighWaterMark: accepted.readableHighWaterMark,
    writableHighWaterMark: accepted.writableHighWaterMark,
    onread: {
      buffer: () => options.buffer(),
      callback: (length: number) => options.onRead(length),
    },
    // What the type does not know: an accepted handle, and that reading begins when we say.
  } as unknown as ConstructorParameters<typeof Socket>[0])
  const fresh = socket as unknown as Internals
  // The server counts its connections by these; without them `server.close()` never ends.
  fresh._server = fresh.server = server
  old._server = old.server = null
  old._handle = null
  return { socket, setBuffer: (buffer) => fresh._handle?.useUserBuffer(buffer) }
}

/** Sends some bytes over loopback and looks whether they arrive where they should. */
export function kernelReadWorks(): Promise<boolean> {
  const target = new Uint8Array(new SharedArrayBuffer(64))
  const probe = Buffer.from('spillway')
  return new Promise((resolve) => {
    const finish = (works: boolean) => {
      server.close()
      resolve(works)
    }
    const server = createServer({ pauseOnConnect: true }, (accepted) => {
      try {
        const { socket } = readFromKernel(accepted, {
          buffer: () => target,
          onRead(length) {
            socket.destroy()
            finish(length === probe.length && probe.equals(target.subarray(0, length)))
            return false
          },
        })
        socket.on('error', () => finish(false))
        socket.resume()
      } catch {
        finish(false)
      }
    })
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      const sender = connect(port, '127.0.0.1', () => sender.end(probe))
      sender.on('error', () => finish(false))
    })
  })
}
