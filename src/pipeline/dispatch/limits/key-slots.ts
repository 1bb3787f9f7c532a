/** The slot of all keys that have none of their own. */
export const SHARED_SLOT = 0

/** Slots looked at, for one that can be given away, for each key that comes without. */
const LOOKS_MAX = 8

/**
 * Gives keys slots in arrays, at most so many. Once all are given away, a key that has rested long enough loses its slot to
 * the next that comes without; while none has, further keys share one slot.
 */
export class KeySlots {
  readonly #maxKeys: number
  readonly #isRested: (slot: number, nowMs: number) => boolean
  readonly #begin: (slot: number, nowMs: number) => void
  readonly #slots = new Map<string, number>()
  /** By slot. */
  readonly #keys: string[] = ['']
  /** Where to look next for a slot to give away. */
  #hand = SHARED_SLOT

  constructor(
    maxKeys: number,
    isRested: (slot: number, nowMs: number) => boolean,
    begin: (slot: number, nowMs: number) => void,
  ) {
    this.#maxKeys = maxKeys
    this.#isRested = isRested
    this.#begin = begin
  }

  get size(): number {
    return this.#slots.size
  }

  slotOf(key: string, nowMs: number): number {
    return this.#slots.get(key) ?? this.#give(key, nowMs)
  }

  #give(key: string, nowMs: number): number {
    const slot = this.#slots.size < this.#maxKeys ? this.#keys.length : this.#takeAway(nowMs)
    if (slot === SHARED_SLOT) return slot
    this.#keys[slot] = key
    this.#slots.set(key, slot)
    this.#begin(slot, nowMs)
    return slot
  }

  #takeAway(nowMs: number): number {
    for (let look = 0; look < LOOKS_MAX; look++) {
      this.#hand = this.#hand < this.#maxKeys ? this.#hand + 1 : SHARED_SLOT + 1
      if (!this.#isRested(this.#hand, nowMs)) continue
      this.#slots.delete(this.#keys[this.#hand]!)
      return this.#hand
    }
    return SHARED_SLOT
  }
}
