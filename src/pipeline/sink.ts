import type { Clock } from '../base/clock.ts'

/** What a sink is given to deliver: bytes as they go out. Views of the arena or of an output slab; read only. */
export interface Payload {
  readonly views: readonly Uint8Array[]
  /** Sum of the views. */
  readonly bytes: number
  readonly events: number
  readonly contentType: string
  /** '' when the bytes are not compressed. */
  readonly contentEncoding: '' | 'gzip' | 'zstd'
  /** Digest of the ids of its events, in their order: the same whenever the same events are sent again. */
  readonly idempotencyKey: string
}

/** What became of one event of a payload that was not taken whole. */
export interface ItemVerdict {
  /** Place of the event in the payload, from 0. */
  readonly index: number
  /** To be sent again, or refused for its content. */
  readonly kind: 'retry' | 'reject'
  readonly reason: string
  readonly status?: number
}

/** Why a delivery did not happen; the label of statistics and logs. */
export type RetryCategory =
  'connect' | 'dns' | 'tls' | 'timeout' | 'reset' | 'throttled' | 'server_error' | 'io' | 'unknown'

/**
 * What became of a payload (DESIGN: error categories). A sink only classifies; the pipeline retries, holds, counts and
 * dead-letters.
 * - `ack`: the destination has all of it; `afterMs` where it said that it takes nothing more for so long.
 * - `retry`: transient; send the same again, not before `afterMs` where the destination said so.
 * - `hold`: the operator must act (expired token, wrong url, ...): nothing but probes until it works again.
 * - `reject`: the destination refuses this payload for its content (400, 413, 422).
 * - `partial`: it has all but the `items`, each of which is named once; a sink that can't tell for every event what became
 *   of it says `retry`.
 */
export type Outcome =
  | { readonly kind: 'ack'; readonly afterMs?: number }
  | { readonly kind: 'partial'; readonly items: readonly ItemVerdict[]; readonly afterMs?: number }
  | {
      readonly kind: 'retry'
      readonly category: RetryCategory
      readonly reason: string
      readonly status?: number
      readonly afterMs?: number
    }
  | { readonly kind: 'hold'; readonly reason: string; readonly status?: number }
  | { readonly kind: 'reject'; readonly reason: string; readonly status?: number }

/**
 * A destination.
 * - `start(signal)` resolves when the sink can take work, rejects with a SpillwayError when it never will (bad path,
 *   unreadable certificate); an unreachable server is no reason to reject. Aborting the signal ends the attempt.
 * - `send(payload, signal)` resolves with what became of it; it never rejects and never retries. When the signal is
 *   aborted it resolves soon, and what was not acknowledged counts as not delivered. The views stay valid until it
 *   resolves. Called up to `concurrency` times at once.
 * - `probe(signal)`, where there is one, asks the destination whether it works, as `send` asks it to take something; `ack`:
 *   it does. Called while the circuit breaker is open, when nothing else is under way.
 * - `stop()` may be called twice and before `start`; afterwards the sink owns no timer, socket, file or buffer.
 */
export interface Sink {
  start(signal: AbortSignal): Promise<void>
  send(payload: Payload, signal: AbortSignal): Promise<Outcome>
  probe?(signal: AbortSignal): Promise<Outcome>
  stop(): Promise<void>
}

/** What every sink is made with, beside its configuration. */
export interface SinkContext {
  readonly clock: Clock
  /** Of Spillway, for the `user-agent`. */
  readonly version: string
}
