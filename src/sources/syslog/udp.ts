import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { formatAddress } from '../../base/address.ts'
import type { Timer } from '../../base/clock.ts'
import { listenError } from '../../base/listen-error.ts'
import { DATAGRAM_ROOM_BYTES } from '../../pipeline/intake/datagram-writer.ts'
import type { Stream } from '../../pipeline/intake/stream.ts'
import type { DatagramStatus, Source, SourceContext } from '../../pipeline/source.ts'
import type { SyslogSourceConfig } from './config.ts'
import { KernelDrops } from './kernel-drops.ts'
import { receptionOf, receptionStops } from './reception.ts'
import type { Reception } from './reception.ts'

const LOOK_MS = 1000
/** Linux grants twice what is asked for, as room for its own overhead, and says so. */
const LINUX_BUFFER_FACTOR = 2

/**
 * Syslog over UDP (RFC 5426): each datagram is one message. Without room nothing is received: what comes waits in the
 * kernel's buffer, and what does not fit there the kernel drops and counts.
 */
export class UdpDoor implements Source {
  readonly #config: SyslogSourceConfig
  readonly #context: SourceContext
  readonly #canStop: () => Promise<boolean>
  readonly #stream: Stream
  #socket: Socket | null = null
  /** Null where this Node can't stop to receive: what comes without room is discarded then. */
  #reception: Reception | null = null
  #kernelDrops: KernelDrops | null = null
  #receiveBufferBytes = 0
  #paused = false
  #discarded = 0
  #discardedTold = 0
  #nextLook: Timer | null = null
  #stopping: Promise<void> | null = null
  address = ''

  /** `canStop`: whether this Node can stop to receive; for tests of what happens when it can't. */
  constructor(config: SyslogSourceConfig, context: SourceContext, canStop = receptionStops) {
    this.#config = config
    this.#context = context
    this.#canStop = canStop
    this.#stream = context.intake.openStream({ peer: '', framing: 'datagrams', onDrain() {} })
  }

  async start(signal: AbortSignal): Promise<void> {
    const canStop = await this.#canStop()
    const { address, family } = await lookup(this.#config.listen.host).catch(this.#cannotListen)
    signal.throwIfAborted()
    const type = family === 6 ? 'udp6' : 'udp4'
    const socket = (this.#socket = createSocket({ type, reuseAddr: false }))
    socket.on('message', this.#onMessage)
    await this.#bind(socket, address)
    this.#growBuffer(socket)
    const reception = receptionOf(socket)
    this.#kernelDrops = reception === null ? null : KernelDrops.of({ family: type, fd: reception.fd })
    if (canStop) this.#reception = reception
    else this.#context.events.receptionStopMissing(this.#config.name)
    this.#lookForRoom()
    this.#scheduleLook()
  }

  readonly #cannotListen = (error: NodeJS.ErrnoException): never => {
    throw listenError(`sources.${this.#config.name}.listen`, this.#config.listen, error)
  }

  async #bind(socket: Socket, address: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address, port: this.#config.listen.port, exclusive: true }, resolve)
    }).catch(this.#cannotListen)
    socket.removeAllListeners('error')
    // One datagram that could not be read: others can.
    socket.on('error', ({ message }) => this.#context.events.receiveFailed(this.#config.name, message))
    const bound = socket.address()
    this.address = formatAddress(bound.address, bound.port)
  }

  #growBuffer(socket: Socket): void {
    const { name, receiveBuffer: askedBytes } = this.#config
    try {
      socket.setRecvBufferSize(askedBytes)
    } catch {
      // Linux grants what it may; other systems refuse, and what was there remains.
    }
    const bytes = socket.getRecvBufferSize()
    this.#receiveBufferBytes = process.platform === 'linux' ? bytes / LINUX_BUFFER_FACTOR : bytes
    this.#context.events.receiveBufferGranted(name, askedBytes, this.#receiveBufferBytes)
  }

  readonly #onMessage = (payload: Buffer, sender: RemoteInfo): void => {
    // An empty datagram is no message, as a blank line is no event.
    if (payload.length === 0) return
    if (this.#paused || !this.#stream.datagram(payload, sender.address, sender.port)) this.#discarded++
    this.#lookForRoom()
  }

  /** Receives no more while the next datagram might find no room. */
  #lookForRoom(): void {
    if (this.#paused || this.#hasRoom()) return
    this.#paused = true
    this.#reception?.stop()
    this.#context.intake.onRoom(this.#resume)
  }

  #hasRoom(): boolean {
    return this.#context.accepting() && this.#context.intake.hasRoom(DATAGRAM_ROOM_BYTES)
  }

  readonly #resume = (): void => {
    if (this.#stopping !== null) return
    if (!this.#hasRoom()) {
      this.#context.intake.onRoom(this.#resume)
      return
    }
    this.#paused = false
    this.#reception?.start()
  }

  datagrams(): DatagramStatus {
    this.#tellLosses()
    return {
      kernelDrops: this.#kernelDrops?.total ?? null,
      discarded: this.#discarded,
      receiveBufferBytes: this.#receiveBufferBytes,
    }
  }

  /** What was lost is told in time, also when nobody asks for it. */
  #scheduleLook(): void {
    this.#nextLook = this.#context.clock.setTimeout(() => {
      this.#tellLosses()
      this.#scheduleLook()
    }, LOOK_MS)
  }

  #tellLosses(): void {
    const { events } = this.#context
    const { name } = this.#config
    const drops = this.#kernelDrops
    if (drops !== null && this.#stopping === null) {
      const before = drops.total
      drops.look()
      if (drops.total > before) events.kernelDropped(name, drops.total - before, drops.total)
    }
    if (this.#discarded === this.#discardedTold) return
    events.datagramsDiscarded(name, this.#discarded - this.#discardedTold, this.#discarded)
    this.#discardedTold = this.#discarded
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** What the kernel still holds is lost: a sender that isn't answered can't be told to wait. */
  async #stop(): Promise<void> {
    this.#nextLook?.clear()
    const socket = this.#socket
    if (socket !== null) {
      this.#reception?.stop()
      socket.off('message', this.#onMessage)
      this.#tellLosses()
      const unreadBytes = this.#kernelDrops?.unreadBytes ?? 0
      if (unreadBytes > 0) this.#context.events.datagramsUnread(this.#config.name, unreadBytes)
      await new Promise<void>((resolve) => socket.close(resolve))
    }
    this.#stream.end(true)
  }
}
