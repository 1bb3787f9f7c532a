const COMPACT_AT = 64

/** First in, first out; each step costs the same however long it is. */
export class Fifo<Item> {
  #items: Item[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  get first(): Item | undefined {
    return this.#items[this.#head]
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  shift(): Item | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head++]
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) this.clear(this.toArray())
    return item
  }

  toArray(): Item[] {
    return this.#items.slice(this.#head)
  }

  /** Only these are left. */
  clear(items: Item[] = []): void {
    this.#items = items
    this.#head = 0
  }
}
