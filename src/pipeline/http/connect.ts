/**
 * Connections to a server: TCP or TLS, HTTP/1.1 alone. Our own connector and not undici's, because a request that
 * is given up must take its socket with it at once, also while that is still connecting.
 */
import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { reasonOf } from '../../base/errors.ts'
import { MIB } from '../../base/units.ts'
import type { ClientTls } from './client-config.ts'

const TCP_KEEP_ALIVE_DELAY_MS = 60_000
/**
 * More than the largest batch, so that all views of one are handed over at once: nothing is copied, the kernel takes
 * several with one call, and an answer that comes early never finds a view unsent because another was waited for.
 */
const WRITE_QUEUE_BYTES_MAX = 32 * MIB

/** `code` as undici would give it, so that one table classifies all. */
class ConnectTimeoutError extends Error {
  readonly code = 'UND_ERR_CONNECT_TIMEOUT'
}

/** Opens one socket and calls back once, when it can be used or has failed. Destroying the socket ends the attempt. */
export type Connect = (callback: (error: Error | null, socket: Socket) => void) => Socket

export interface ConnectOptions {
  /** Null: for http:// alone. */
  readonly secure: SecureContext | null
  /** Check the certificate of the server. */
  readonly verify: boolean
  readonly connectTimeoutMs: number
}

/** Connects to the host and port of `url`; TLS sessions are resumed from one connection to the next. */
export function connector(url: URL, options: ConnectOptions, clock: Clock): Connect {
  const { connectTimeoutMs } = options
  const open = opener(url, options)
  return (callback) => {
    const [socket, readyEvent] = open()
    const settle = (error: Error | null): void => {
      timer.clear()
      socket.off(readyEvent, ready).off('error', settle).off('close', closed)
      callback(error, socket)
    }
    const ready = (): void => settle(null)
    const closed = (): void => settle(new Error('closed while connecting'))
    const timer = clock.setTimeout(() => {
      socket.destroy(new ConnectTimeoutError(`no connection after ${connectTimeoutMs} ms`))
    }, connectTimeoutMs)
    return socket.once(readyEvent, ready).once('error', settle).once('close', closed)
  }
}

function opener(url: URL, { secure, verify }: ConnectOptions): () => [Socket, 'connect' | 'secureConnect'] {
  const isSecure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const tcp = {
    host,
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    autoSelectFamily: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY_MS,
    writableHighWaterMark: WRITE_QUEUE_BYTES_MAX,
  }
  if (!isSecure) return () => [connectTcp(tcp), 'connect']

  const tls: ConnectionOptions & { highWaterMark: number } = {
    ...tcp,
    highWaterMark: WRITE_QUEUE_BYTES_MAX,
    ...(secure === null ? undefined : { secureContext: secure }),
    rejectUnauthorized: verify,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
  }
  let session: Buffer | undefined
  return () => {
    const socket = connectTls(session === undefined ? tls : { ...tls, session })
    socket.on('session', (ticket) => (session = ticket))
    // A ticket that the server no longer knows must not be presented for ever.
    socket.once('error', () => (session = undefined))
    return [socket, 'secureConnect']
  }
}

/** Reads the files of `tls`; one that can't be used is told to `refuse`, which throws. */
export function secureContext(
  { ca, cert, key }: Pick<ClientTls, 'ca' | 'cert' | 'key'>,
  refuse: (reason: string, cause: unknown) => never,
): SecureContext {
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
      ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
      ...(key === undefined ? {} : { key: readFileSync(key) }),
    })
  } catch (cause) {
    return refuse(reasonOf(cause), cause)
  }
}
