/**
 * Connections to the destination: TCP or TLS, HTTP/1.1 alone. Our own connector and not undici's, because a request that
 * is given up must take its socket with it at once, also while that is still connecting.
 */
import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { reasonOf, spwError } from '../../base/errors.ts'
import { MIB } from '../../base/units.ts'
import type { HttpSinkConfig } from './config.ts'

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

/** Rejects a certificate or key that can't be used (SPW_ERR_SINK_TLS). */
export function connector(config: HttpSinkConfig, clock: Clock): Connect {
  const { url, request } = config
  const open = opener(config, new URL(url))
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
      socket.destroy(new ConnectTimeoutError(`no connection after ${request.connectTimeoutMs} ms`))
    }, request.connectTimeoutMs)
    return socket.once(readyEvent, ready).once('error', settle).once('close', closed)
  }
}

function opener(config: HttpSinkConfig, url: URL): () => [Socket, 'connect' | 'secureConnect'] {
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const tcp = {
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    autoSelectFamily: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY_MS,
    writableHighWaterMark: WRITE_QUEUE_BYTES_MAX,
  }
  if (!secure) return () => [connectTcp(tcp), 'connect']

  const tls: ConnectionOptions & { highWaterMark: number } = {
    ...tcp,
    highWaterMark: WRITE_QUEUE_BYTES_MAX,
    secureContext: secureContext(config),
    rejectUnauthorized: config.tls.verify,
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

function secureContext(config: HttpSinkConfig): ReturnType<typeof createSecureContext> {
  const { ca, cert, key } = config.tls
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
      ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
      ...(key === undefined ? {} : { key: readFileSync(key) }),
    })
  } catch (cause) {
    throw spwError('SPW_ERR_SINK_TLS', { sink: config.name, reason: reasonOf(cause) }, { cause })
  }
}
