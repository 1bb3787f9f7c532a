/** Sink `blackhole`: takes everything and keeps nothing. */
import type { Outcome, Sink } from '../../pipeline/sink.ts'

const ACK: Outcome = { kind: 'ack' }

export class BlackholeSink implements Sink {
  async start(): Promise<void> {
    // Nothing to open.
  }

  async send(): Promise<Outcome> {
    return ACK
  }

  async stop(): Promise<void> {
    // Nothing to close.
  }
}
