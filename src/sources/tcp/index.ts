import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Timer } from '../../base/clock.ts'
import { listenError } from '../../base/listen-error.ts'
import { TCP_PARKED_BYTES, TCP_SCRATCH_BYTES, UNFINISHED_BLOCK_BYTES } from '../../pipeline/limits.ts'
import type { Source, SourceContext } from '../../pipeline/source.ts'
import type { TcpSourceConfig } from './config.ts'
import { Connection } from './connection.ts'
import type { ColdReading } from './connection.ts'
import { kernelReadWorks, readFromKernel } from './kernel-read.ts'

/** A hot connection that was quiet for so long gives its lane back. */
const HOT_QUIET_MS = 1000
const SWEEP_MS_MIN = 50

/** NDJSON over TCP: lines in, nothing back. A full collector does not read; the sender's kernel holds the rest. */
export class TcpSource implements Source, ColdReading {
  readonly #config: TcpSourceConfig
  readonly #context: SourceContext
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly scratch = new Uint8Array(TCP_SCRATCH_BYTES)
  #kernelRead = true
  #offerBytes = TCP_SCRATCH_BYTES
  #coldPaused = false
  #sweep: Timer | null = null
  #stopping: Promise<void> | null = null
  address = ''

  constructor(config: TcpSourceConfig, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#server = createServer({ pauseOnConnect: true, noDelay: false }, (socket) => this.#accept(socket))
    this.#server.maxConnections = config.maxConnections
    this.#server.on('drop', (drop) => {
      context.events.connectionRefused(config.name, `${drop?.remoteAddress}:${drop?.remotePort}`, 'limit')
    })
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#kernelRead = await kernelReadWorks()
    if (!this.#kernelRead) this.#context.events.kernelReadMissing(this.#config.name)
    const { host, port } = this.#config.listen
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(listenError(`sources.${this.#config.name}.listen`, `${host}:${port}`, error)),
      )
      this.#server.listen({ host, port, backlog: 1024, signal }, resolve)
    })
    const bound = this.#server.address() as AddressInfo
    this.address =
      bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`
    this.#scheduleSweep()
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
    const { intake } = this.#context
    const peer = `${plainAddress(accepted.remoteAddress ?? '?')}:${accepted.remotePort ?? 0}`
    const connection = new Connection(intake, this, peer)
    let socket = accepted
    if (this.#kernelRead) {
      const reader = readFromKernel(accepted, {
        buffer: () => connection.buffer(),
        onRead: (length) => connection.onRead(length),
      })
      connection.attach(reader)
      socket = reader.socket
    } else {
      connection.attach({ socket, setBuffer() {} })
      socket.on('data', (chunk: Buffer) => {
        if (!connection.coldRead(chunk)) socket.pause()
      })
    }
    this.#connections.add(connection)
    let clean = false
    socket.on('end', () => (clean = true))
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

  /** All cold connections together are offered a bounded number of bytes, since what they read may have to wait. */
  #resize(): void {
    const share = Math.floor(TCP_PARKED_BYTES / Math.max(1, this.#connections.size))
    let bytes = TCP_SCRATCH_BYTES
    while (bytes > UNFINISHED_BLOCK_BYTES && bytes > share) bytes >>= 1
    const before = this.#offerBytes
    this.#offerBytes = bytes
    // A larger share is offered with the next read. (Node keeps each buffer that it was ever told of until the
    // connection ends, some bytes each, so it is told only when it must be.)
    if (bytes >= before) return
    for (const connection of this.#connections) connection.offerScratch()
  }

  #scheduleSweep(): void {
    const everyMs = Math.max(SWEEP_MS_MIN, Math.min(HOT_QUIET_MS, this.#config.idleTimeoutMs / 4))
    this.#sweep = this.#context.clock.setTimeout(() => {
      this.#sweepConnections()
      this.#scheduleSweep()
    }, everyMs)
  }

  /** Quiet hot connections become cold; one that left a line unfinished for too long is closed. */
  #sweepConnections(): void {
    const now = this.now()
    for (const connection of this.#connections) {
      const quietMs = now - connection.lastReadAtMs
      if (connection.hot && (quietMs >= HOT_QUIET_MS || this.#context.intake.lanesWanted)) connection.demote()
      if (
        quietMs < this.#config.idleTimeoutMs ||
        this.#coldPaused ||
        !connection.unfinished ||
        connection.stream.waiting
      )
        continue
      this.#context.events.connectionRefused(this.#config.name, connection.stream.peerText, 'idle')
      connection.destroy()
    }
    this.#resize()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#sweep?.clear()
    this.#sweep = null
    const closed = this.#server.listening
      ? new Promise<void>((resolve) => this.#server.close(() => resolve()))
      : null
    for (const connection of this.#connections) connection.destroy()
    await closed
  }
}

function plainAddress(address: string): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  return address.includes(':') ? `[${address}]` : address
}
