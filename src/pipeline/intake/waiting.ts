import type { Stream } from './stream.ts'
import { WaitingLine } from './waiting-line.ts'

export interface WaitingOptions {
  /** Reading may go on. */
  readonly mayRead: () => boolean
  /** A stream may have a lane of its own. */
  readonly laneFree: () => boolean
}

/** All that wait at an intake. They go on in a turn of their own, so that nothing need be re-entrant. */
export class Waiting {
  readonly #options: WaitingOptions
  /** For room in the arena or in the ring. */
  readonly forRoom = new WaitingLine()
  /** Until another one gives its lane back. They are in nobody's way but each other's. */
  readonly forLane = new WaitingLine()
  /** Streams whose own extent is back. */
  #retries = new Set<Stream>()
  /** Of the source: called once when there is room. */
  #roomListeners: (() => void)[] = []
  #asked = false
  #stopped = false

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  /** No stream waits. */
  get empty(): boolean {
    return this.forRoom.empty && this.forLane.empty && this.#retries.size === 0
  }

  retry(stream: Stream): void {
    this.#retries.add(stream)
    this.goOnSoon()
  }

  onRoom(listener: () => void): void {
    this.#roomListeners.push(listener)
    if (this.#options.mayRead()) this.goOnSoon()
  }

  forget(stream: Stream): void {
    this.forRoom.delete(stream)
    this.forLane.delete(stream)
    this.#retries.delete(stream)
  }

  /** Room came: those who wait for some are told. */
  roomCame(): void {
    if (!this.forRoom.empty || !this.forLane.empty || this.#roomListeners.length > 0) this.goOnSoon()
  }

  /** In a turn of its own: a microtask would run inside a read callback, before its read has ended. */
  goOnSoon(): void {
    if (this.#asked || this.#stopped) return
    this.#asked = true
    setImmediate(() => {
      this.#asked = false
      if (!this.#stopped) this.#goOn()
    })
  }

  #goOn(): void {
    const { mayRead, laneFree } = this.#options
    const retries = this.#retries
    this.#retries = new Set()
    for (const stream of retries) stream.resume()
    this.forRoom.serve(mayRead)
    this.forLane.serve(() => mayRead() && laneFree())
    if (!mayRead()) return
    const listeners = this.#roomListeners
    this.#roomListeners = []
    for (const listener of listeners) listener()
  }

  stop(): void {
    this.#stopped = true
    this.forRoom.clear()
    this.forLane.clear()
    this.#retries.clear()
    this.#roomListeners = []
  }
}
