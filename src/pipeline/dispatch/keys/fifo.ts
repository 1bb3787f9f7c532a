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
    const item = this.#items[this.#head]
    if (this.length > 0) this.#head++
    if (this.length === 0) this.replace([])
    else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) this.replace(this.toArray())
    return item
  }

  toArray(): Item[] {
    return this.#items.slice(this.#head)
  }

  /** Only these are in it. */
  replace(items: Item[]): void {
    this.#items = items
    this.#head = 0
  }
}
