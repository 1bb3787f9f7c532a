import assert from 'node:assert'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { formatAddress } from '../../base/address.ts'
import type { Timer } from '../../base/clock.ts'
import type { ListenAddress } from '../../base/config-keys.ts'
import { listenError } from '../../base/listen-error.ts'
import { TCP_PARKED_BYTES, TCP_SCRATCH_BYTES, UNFINISHED_BLOCK_BYTES } from '../limits.ts'
import type { Source, SourceContext } from '../source.ts'
import { Connection } from './connection.ts'
import type { ColdReading, TcpFraming } from './connection.ts'
import { kernelReadWorks, readFromKernel } from './kernel-read.ts'

/** A connection that was quiet for so long gives its lane back. */
const LANE_QUIET_MS = 1000
const SWEEP_MS_MIN = 50
/** At a stop a connection is read until it was quiet for so long, and all of them at most so long. */
const STOP_QUIET_MS = 100
const STOP_READ_MS_MAX = 1000
const STOP_LOOK_MS = 10

/** What a source says of its listener. */
export interface TcpDoorConfig {
  readonly name: string
  readonly listen: ListenAddress
  readonly maxConnections: number
  readonly idleTimeoutMs: number
}

/**
 * A listener whose connections say records and hear nothing back. A full collector does not read; the sender's kernel
 * holds the rest.
 */
export class TcpDoor implements Source, ColdReading {
  readonly #config: TcpDoorConfig
  readonly #context: SourceContext
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly framing: TcpFraming
  readonly scratch = new Uint8Array(TCP_SCRATCH_BYTES)
  readonly #canReadFromKernel: () => Promise<boolean>
  #kernelRead = true
  readonly #offerBytesMax: number
  #offerBytes: number
  #coldPaused = false
  #sweep: Timer | null = null
  #stopping: Promise<void> | null = null
  address = ''

  /**
   * `framing`: how the bytes of each connection are told apart into records. `canReadFromKernel`: whether this Node can;
   * for tests of how it reads when it can't.
   */
  constructor(
    config: TcpDoorConfig,
    context: SourceContext,
    framing: TcpFraming,
    canReadFromKernel = kernelReadWorks,
  ) {
    this.#config = config
    this.#context = context
    this.framing = framing
    this.#canReadFromKernel = canReadFromKernel
    this.#offerBytesMax = Math.min(TCP_SCRATCH_BYTES, context.intake.chunkBytesMax)
    this.#offerBytes = this.#offerBytesMax
    this.#server = createServer({ pauseOnConnect: true, noDelay: false }, (socket) => this.#accept(socket))
    this.#server.maxConnections = config.maxConnections
    this.#server.on('drop', (drop) => {
      this.#refused(formatAddress(drop?.remoteAddress, drop?.remotePort), 'limit')
    })
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#kernelRead = await this.#canReadFromKernel()
    if (!this.#kernelRead) this.#context.events.kernelReadMissing(this.#config.name)
    const { host, port } = this.#config.listen
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(listenError(`sources.${this.#config.name}.listen`, this.#config.listen, error)),
      )
      this.#server.listen({ host, port, backlog: 1024, signal }, resolve)
    })
    this.#server.removeAllListeners('error')
    // A connection that could not be accepted (no more file descriptors): the others go on.
    this.#server.on('error', () => this.#refused('?', 'error'))
    const bound = this.#server.address()
    assert(bound !== null && typeof bound === 'object')
    this.address = formatAddress(bound.address, bound.port)
    this.#scheduleSweep()
  }

  #refused(peer: string, reason: 'limit' | 'idle' | 'error'): void {
    this.#context.events.connectionRefused(this.#config.name, peer, reason)
  }

  now(): number {
    return this.#context.clock.now()
  }

  offerBytes(): number {
    return this.#offerBytes
  }

  afterColdRead(): void {
    if (this.#coldPaused || this.#hasRoom()) return
    this.#coldPaused = true
    for (const connection of this.#connections) if (!connection.hot) connection.pause()
    this.#context.intake.onRoom(() => this.#resumeCold())
  }

  #hasRoom(): boolean {
    return (
      this.#context.accepting() && this.#context.intake.hasRoom(this.#offerBytes + UNFINISHED_BLOCK_BYTES)
    )
  }

  #resumeCold(): void {
    if (!this.#hasRoom()) {
      this.#context.intake.onRoom(() => this.#resumeCold())
      return
    }
    this.#coldPaused = false
    for (const connection of this.#connections) if (!connection.hot) connection.resume()
  }

  #accept(accepted: Socket): void {
    // Closed again by its peer before we came to it.
    if (accepted.destroyed) return
    const { intake } = this.#context
    const peer = formatAddress(accepted.remoteAddress, accepted.remotePort)
    const connection = new Connection(intake, this, peer)
    const socket = this.#attach(connection, accepted)
    this.#connections.add(connection)
    let clean = false
    // A peer that ends because we do may have been in the middle of a record.
    socket.on('end', () => (clean = this.#stopping === null))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#connections.delete(connection)
      connection.close(clean)
    })
    this.#resize()
    if (this.#coldPaused) connection.pause()
    else {
      this.afterColdRead()
      if (!this.#coldPaused) connection.resume()
    }
  }

  #attach(connection: Connection, accepted: Socket): Socket {
    const reader = this.#kernelRead
      ? readFromKernel(accepted, {
          buffer: () => connection.buffer(),
          onRead: (length) => connection.onRead(length),
        })
      : null
    connection.attach(reader ?? { socket: accepted, setBuffer() {} })
    if (reader !== null) return reader.socket
    accepted.on('data', (chunk: Buffer) => {
      if (!connection.coldRead(chunk)) accepted.pause()
    })
    return accepted
  }

  /** All cold connections together are offered a bounded number of bytes, since what they read may have to wait. */
  #resize(): void {
    const share = Math.floor(TCP_PARKED_BYTES / Math.max(1, this.#connections.size))
    let bytes = this.#offerBytesMax
    while (bytes > UNFINISHED_BLOCK_BYTES && bytes > share) bytes >>= 1
    const before = this.#offerBytes
    this.#offerBytes = bytes
    // A larger share is offered with the next read. (Node keeps each buffer that it was ever told of until the
    // connection ends, some bytes each, so it is told only when it must be.)
    if (bytes >= before) return
    for (const connection of this.#connections) connection.offerScratch()
  }

  #scheduleSweep(): void {
    const everyMs = Math.max(SWEEP_MS_MIN, Math.min(LANE_QUIET_MS, this.#config.idleTimeoutMs / 4))
    this.#sweep = this.#context.clock.setTimeout(() => {
      this.#sweepConnections()
      this.#scheduleSweep()
    }, everyMs)
  }

  /** Quiet connections give their lanes back; one that left a line unfinished for too long is closed. */
  #sweepConnections(): void {
    const now = this.now()
    for (const connection of this.#connections) {
      const quietMs = now - connection.lastReadAtMs
      if (quietMs >= LANE_QUIET_MS || this.#context.intake.lanesWanted) connection.giveLaneBack()
      const isRead = !connection.blocked && (connection.hot || !this.#coldPaused)
      if (!isRead || !connection.unfinished || quietMs < this.#config.idleTimeoutMs) continue
      this.#refused(connection.stream.peerText, 'idle')
      connection.destroy()
    }
    this.#resize()
  }

  stop(deadline?: AbortSignal): Promise<void> {
    this.#stopping ??= this.#stop(deadline)
    return this.#stopping
  }

  /**
   * Peers are told that nothing more is wanted, and what they have sent already is read: it would be lost without a
   * trace. A peer that goes on sending is read for a while, no longer.
   */
  async #stop(deadline: AbortSignal | undefined): Promise<void> {
    this.#sweep?.clear()
    this.#sweep = null
    const closed = this.#server.listening
      ? new Promise<void>((resolve) => this.#server.close(() => resolve()))
      : null
    for (const connection of this.#connections) connection.endOutput()
    const startedAtMs = this.now()
    await new Promise<void>((resolve) => this.#endConnections(startedAtMs, deadline, resolve))
    await closed
  }

  /** Looks now and then which connections have been quiet, until none is left. */
  #endConnections(startedAtMs: number, deadline: AbortSignal | undefined, done: () => void): void {
    const now = this.now()
    const over = deadline?.aborted === true || now - startedAtMs >= STOP_READ_MS_MAX
    for (const connection of this.#connections) {
      const isRead = !connection.blocked && (connection.hot || !this.#coldPaused)
      const quietMs = now - Math.max(startedAtMs, connection.lastReadAtMs)
      if (over || (isRead && quietMs >= STOP_QUIET_MS)) connection.destroy()
    }
    if (this.#connections.size === 0) done()
    else {
      this.#context.clock.setTimeout(() => this.#endConnections(startedAtMs, deadline, done), STOP_LOOK_MS)
    }
  }
}
