import type { Clock } from '../base/clock.ts'
import type { Intake } from './intake/intake.ts'

/** What happens at a door, for counters and the rate-limited log. */
export interface SourceEvents {
  connectionRefused(source: string, peer: string, reason: 'limit' | 'idle' | 'error'): void
  requestRefused(source: string, peer: string, status: number, reason: string): void
  /** This Node can't read from the kernel into memory of our choice: more is copied. */
  kernelReadMissing(source: string): void
  /** This Node can't stop to receive datagrams: without room they are discarded, not left to the kernel. */
  receptionStopMissing(source: string): void
  /** What the kernel lets datagrams wait in: it may be less than was asked for. */
  receiveBufferGranted(source: string, askedBytes: number, grantedBytes: number): void
  receiveFailed(source: string, reason: string): void
  /** The kernel dropped `count` datagrams more, `total` in all. */
  kernelDropped(source: string, count: number, total: number): void
  /** `count` datagrams more were discarded for want of room, `total` in all. */
  datagramsDiscarded(source: string, count: number, total: number): void
  /** At a stop the kernel held so many bytes of datagrams, which are lost. */
  datagramsUnread(source: string, bytes: number): void
  /** An input that has an end could not be read to it. */
  inputFailed(source: string, reason: string): void
  /** A server was asked; `retry` and `throttled`: and will be again before its next poll is due. */
  pollRequest(source: string, outcome: 'ok' | 'retry' | 'throttled' | 'failed', durationMs: number): void
  pollFailed(source: string, url: string, reason: string, attempts: number, lasting: boolean): void
  /** The server said how long to stay away. */
  pollThrottled(source: string, url: string, reason: string, waitMs: number): void
  /** So many polls may be under way at once. */
  pollConcurrencyChanged(source: string, from: number, to: number, cause: string): void
}

/** What a source that asks servers says of one that it asks. */
export interface UrlStatus {
  /** As it may be shown. */
  readonly url: string
  readonly lastSuccess: Date | null
  /** Of the newest request, if it failed. */
  readonly lastError: string | null
  /** Null while it is asked, or waits for its turn. */
  readonly nextRequest: Date | null
}

/** What a source of datagrams says of those that it did not take. */
export interface DatagramStatus {
  /** Dropped by the kernel since the start; null where the kernel doesn't say. */
  readonly kernelDrops: number | null
  /** Discarded by the source since the start. */
  readonly discarded: number
  readonly receiveBufferBytes: number
}

/** What a source is given beside its configuration. */
export interface SourceContext {
  readonly intake: Intake
  readonly clock: Clock
  readonly random: () => number
  readonly events: SourceEvents
  /** Seconds after which a client that was refused for want of room may come back (Retry-After). */
  retryAfterSeconds(): number
  /** False while what a client is told can't be made durable (the dead letters' disk fails, workers can't start). */
  accepting(): boolean
  /** Why not, in words for a client; asked while `accepting` is false. */
  refusal?(): string
}

/**
 * A door for events.
 * - `start(signal)` resolves when the source takes work, and rejects with a SpillwayError when it can't (address in
 *   use). `address` is then where it listens.
 * - A source reads bytes and writes them to streams of its intake. When `write` says false it stops reading until
 *   `onDrain`; it ends every stream that it opened, once.
 * - A source whose input can end has `ended`: it resolves when all of it was written to the intake, rejects with a
 *   SpillwayError when the rest can't be read, and is left pending by `stop`.
 * - `stop(deadline)` takes nothing new, ends what is open and resolves when all streams are ended; requests in hand are
 *   answered until `deadline` is aborted, then cut off. It may be called twice and before `start`; afterwards the source owns no timer, socket, thread or buffer.
 */
export interface Source {
  readonly address: string
  readonly ended?: Promise<void>
  /** Of a source that takes datagrams: asked at every scrape. */
  datagrams?(): DatagramStatus
  /** Of a source that asks servers. */
  polls?(): readonly UrlStatus[]
  /** How many it may ask at once now. */
  pollsAtOnce?(): number
  start(signal: AbortSignal): Promise<void>
  stop(deadline?: AbortSignal): Promise<void>
}
