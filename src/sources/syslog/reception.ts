/* oxlint-disable typescript/no-unsafe-type-assertion -- what Node does not document is here */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'

/**
 * Stopping to receive. Node can close a datagram socket, not pause it; its handle can (the same in Node 22 to 26). It is
 * not documented, so all of it is in this file, and `receptionStops` tries it at start. What comes while nothing is
 * received waits in the kernel's buffer, and the kernel counts what it then drops.
 */
export interface Reception {
  readonly fd: number
  /** Not one more 'message' after this, also of those that were read in the same turn. */
  stop(): void
  start(): void
}

interface Handle {
  readonly fd: number
  recvStop(): number
  recvStart(): number
}

/** Of a bound socket; null where this Node has it otherwise. */
export function receptionOf(socket: Socket): Reception | null {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  if (key === undefined) return null
  const { handle } = (socket as unknown as Record<symbol, { readonly handle?: Partial<Handle> | null }>)[key]!
  if (typeof handle?.recvStop !== 'function' || typeof handle.recvStart !== 'function') return null
  const { fd = -1 } = handle
  return { fd, stop: () => void handle.recvStop!(), start: () => void handle.recvStart!() }
}

const PROBE_MS_MAX = 1000

/** Sends a datagram over loopback and looks whether it comes when it should, and not before. */
export function receptionStops(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    let stopped = false
    let done = false
    const finish = (works: boolean) => {
      if (done) return
      done = true
      clearTimeout(timer)
      socket.close()
      resolve(works)
    }
    const timer = setTimeout(finish, PROBE_MS_MAX, false)
    socket.once('error', () => finish(false))
    socket.once('message', () => finish(!stopped))
    socket.bind({ address: '127.0.0.1', port: 0, exclusive: true }, () => {
      const reception = receptionOf(socket)
      if (reception === null) {
        finish(false)
        return
      }
      reception.stop()
      stopped = true
      socket.send('spillway', socket.address().port, '127.0.0.1', () => {
        // It would have come in the first of these turns.
        setImmediate(() =>
          setImmediate(() => {
            stopped = false
            if (!done) reception.start()
          }),
        )
      })
    })
  })
}
