/** Something that sleeps until a moment. The fields belong to WakeTimes. */
export interface Sleeper {
  wakeAtMs: number
  /** Where it stands in the heap; -1: nowhere. */
  heapPlace: number
}

/** Sleepers by the moment that they wake up at: a binary heap that knows where each stands. */
export class WakeTimes<Item extends Sleeper> {
  readonly #heap: Item[] = []

  get size(): number {
    return this.#heap.length
  }

  /** When the next one wakes up; Infinity when there is none. */
  get nextMs(): number {
    return this.#heap[0]?.wakeAtMs ?? Infinity
  }

  /** In no order. */
  get items(): readonly Item[] {
    return this.#heap
  }

  add(item: Item, wakeAtMs: number): void {
    item.wakeAtMs = wakeAtMs
    item.heapPlace = this.#heap.length
    this.#heap.push(item)
    this.#rise(item)
  }

  /** Takes out one that sleeps here. */
  delete(item: Item): void {
    const place = item.heapPlace
    const last = this.#heap.pop()!
    item.heapPlace = -1
    if (last === item) return
    this.#put(last, place)
    this.#rise(last)
    this.#sink(last)
  }

  /** Takes out the next one whose moment has come. */
  wake(nowMs: number): Item | null {
    const item = this.#heap[0]
    if (item === undefined || item.wakeAtMs > nowMs) return null
    this.delete(item)
    return item
  }

  #rise(item: Item): void {
    while (item.heapPlace > 0) {
      const above = this.#heap[(item.heapPlace - 1) >> 1]!
      if (above.wakeAtMs <= item.wakeAtMs) return
      this.#swap(item, above)
    }
  }

  #sink(item: Item): void {
    for (;;) {
      const left = this.#heap[2 * item.heapPlace + 1]
      const right = this.#heap[2 * item.heapPlace + 2]
      const below = right !== undefined && right.wakeAtMs < left!.wakeAtMs ? right : left
      if (below === undefined || item.wakeAtMs <= below.wakeAtMs) return
      this.#swap(below, item)
    }
  }

  /** `lower` stands right below `upper`. */
  #swap(lower: Item, upper: Item): void {
    const place = lower.heapPlace
    this.#put(lower, upper.heapPlace)
    this.#put(upper, place)
  }

  #put(item: Item, place: number): void {
    this.#heap[place] = item
    item.heapPlace = place
  }
}
