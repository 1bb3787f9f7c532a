import type { Position } from './frame.ts'
import type { TakenPart } from './log.ts'
import { oldestOf } from './track.ts'

/**
 * How far a lane's cursor may run ahead of the oldest record that was taken and is not settled: what lies in between is
 * kept on disk for that record's sake.
 */
export class LookAhead {
  readonly #bytesMax: number
  readonly #offsetOf: (position: Position) => number
  readonly #parts: () => Iterable<TakenPart>
  /** Before this offset of the log nothing can be too far ahead: the oldest record only moves on. */
  #lookAgainAt = 0

  /**
   * @param offsetOf offset of a place in the log as a whole, which never falls.
   * @param parts what of this lane was taken and is not settled.
   */
  constructor(bytesMax: number, offsetOf: (position: Position) => number, parts: () => Iterable<TakenPart>) {
    this.#bytesMax = bytesMax
    this.#offsetOf = offsetOf
    this.#parts = parts
  }

  /** Nothing more may be taken for now. */
  isUsedUp(ahead: Position): boolean {
    const offset = this.#offsetOf(ahead)
    if (offset <= this.#lookAgainAt) return false
    const oldest = oldestOf(this.#parts())
    const from = oldest === null ? offset : this.#offsetOf(oldest)
    if (offset - from > this.#bytesMax) return true
    this.#lookAgainAt = from + this.#bytesMax
    return false
  }
}
