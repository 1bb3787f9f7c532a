import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { TcpSource } from '../../../src/sources/tcp/index.ts'
import type { TcpSourceConfig } from '../../../src/sources/tcp/config.ts'
import { IntakeRig, turnOfLoop } from '../../pipeline/intake/intake-rig.ts'
import type { IntakeRigOptions, Letter } from '../../pipeline/intake/intake-rig.ts'

const KIB = 1024

const defaults: TcpSourceConfig = {
  name: 'lines',
  type: 'tcp',
  schema: 'any',
  ack: 'accepted',
  listen: { host: '127.0.0.1', port: 0 },
  insecure: false,
  maxConnections: 5000,
  maxRecordBytes: 64 * KIB,
  maxDepth: 256,
  idleTimeoutMs: 60_000,
  recordTimeoutMs: 1000,
  lingerMs: 5,
}

/** A tcp source over sockets before an intake whose workers, dead letters and sink are this thread's. */
export class TcpRig {
  readonly rig: IntakeRig
  readonly source: TcpSource
  readonly refused: string[] = []
  /** Nothing that is committed is settled: the arena fills. */
  holding = false
  #running = true
  readonly #sockets: Socket[] = []

  private constructor(
    rig: Partial<IntakeRigOptions>,
    config: Partial<TcpSourceConfig>,
    kernelRead: boolean | undefined,
  ) {
    this.rig = new IntakeRig({ slabBytes: 128 * KIB, slabs: 16, blocks: 5000, ringEntries: 128, ...rig })
    const context = {
      intake: this.rig.intake,
      clock: systemClock,
      random: () => 0.5,
      events: {
        connectionRefused: (_source: string, _peer: string, reason: string) => this.refused.push(reason),
        requestRefused() {},
        kernelReadMissing: () => this.refused.push('no kernel read'),
      },
      retryAfterSeconds: () => 1,
      accepting: () => this.rig.intake.accepting,
    }
    const full = { ...defaults, ...config }
    this.source =
      kernelRead === undefined
        ? new TcpSource(full, context)
        : new TcpSource(full, context, () => Promise.resolve(kernelRead))
  }

  /** Stopped after the test, when everything must have come back. */
  static async start(
    test: Test,
    rig: Partial<IntakeRigOptions> = {},
    config: Partial<TcpSourceConfig> = {},
    kernelRead?: boolean,
  ): Promise<TcpRig> {
    const made = new TcpRig(rig, config, kernelRead)
    await made.source.start(new AbortController().signal)
    void made.#pump()
    test.teardown(() => made.stop())
    return made
  }

  async #pump(): Promise<void> {
    const { rig } = this
    while (this.#running) {
      rig.clock.pass(5)
      while (rig.tasks > 0) rig.work()
      while (rig.writes > 0) rig.store()
      while (!this.holding && rig.framesHeld > 0) rig.settle()
      await turnOfLoop()
    }
  }

  connect(): Promise<Socket> {
    const port = Number(this.source.address.split(':').at(-1))
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.off('error', reject)
        socket.on('error', () => {})
        resolve(socket)
      })
      socket.on('error', reject)
      socket.setNoDelay(true)
      socket.resume()
      this.#sockets.push(socket)
    })
  }

  /** Resolves once so many records were received in all. */
  async received(count: number): Promise<void> {
    await until(() => this.rig.counts.received >= count && (this.holding || this.rig.framesHeld === 0))
  }

  accepted(socket: Socket | string): string[] {
    return this.rig.accepted.get(typeof socket === 'string' ? socket : peerOf(socket)) ?? []
  }

  letters(socket: Socket | string): Letter[] {
    return this.rig.letters.get(typeof socket === 'string' ? socket : peerOf(socket)) ?? []
  }

  async stop(): Promise<void> {
    this.holding = false
    for (const socket of this.#sockets) socket.destroy()
    await this.source.stop()
    await until(() => this.rig.intake.idle && this.rig.framesHeld === 0)
    this.#running = false
    const { counts, intake } = this.rig
    if (counts.received !== counts.accepted + counts.rejectedTotal) throw new Error('the ledger balances')
    if (intake.uncommittedBytes !== 0) throw new Error(`${intake.uncommittedBytes} bytes are uncommitted`)
    const out = this.rig.stop()
    if (out !== 0) throw new Error(`${out} slabs did not come back`)
  }
}

/** As the source sees it; ask while the socket is open. */
export function peerOf(socket: Socket): string {
  return `127.0.0.1:${socket.localPort}`
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Writes and waits until the kernel took it. */
export function write(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    socket.write(bytes, () => resolve())
  })
}
