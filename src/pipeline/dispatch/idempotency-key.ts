import { createHash, hash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { deferredIndex, isDeferredFrame, originWord } from '../../memory/event-id.ts'
import { RecordCursor } from '../../memory/record-cursor.ts'
import type { Part } from './batch.ts'
import { choiceOf } from './record-walk.ts'

/** Base64url; 132 bits: two batches that differ don't meet. */
const KEY_CHARS = 22
/** Before the origin of the ranges that follow: no range begins with it. */
const ORIGIN = -1

/**
 * Digest of the ids of a batch's events, in their order (SHA-256, base64url): the same events have the same key, however
 * they were cut into parts, in whole frames or picked, and when they come again in deferred frames.
 */
export function idempotencyKey(words: Int32Array, parts: readonly Part[]): string {
  const ranges = new IdRanges()
  for (const part of parts) {
    const { region } = part.of.frame
    const isDeferred = isDeferredFrame(words, region)
    ranges.from(words, originWord(words, region))
    // Nothing is left out between its first record and its last.
    if (!isDeferred && part.events === part.count) {
      ranges.add(part.first, part.first + part.count)
      continue
    }
    const cursor = new RecordCursor(words, choiceOf(part))
    while (cursor.next()) {
      const index = isDeferred ? deferredIndex(words, cursor.word) : cursor.record
      ranges.add(index, index + 1)
    }
  }
  return ranges.digest()
}

/** Not yet hashed; shared by all, since a digest is made in one go. */
const pending = new Int32Array(1024)

/** Ranges of ids, joined where they follow each other, on their way into a hash. */
class IdRanges {
  /** Null while all of it is pending: most batches have few ranges, and what is hashed at once is hashed faster. */
  #hash: Hash | null = null
  #used = 0
  /** Of the ranges: the same four words as before mean the same origin. */
  readonly #origin = new Int32Array(4)
  #isFirst = true
  #first = 0
  #end = 0

  from(words: Int32Array, word: number): void {
    const origin = this.#origin
    let isSame = !this.#isFirst
    for (let i = 0; i < 4; i++) isSame &&= origin[i] === words[word + i]
    if (isSame) return
    this.#endRange()
    this.#isFirst = false
    this.#put(ORIGIN)
    for (let i = 0; i < 4; i++) this.#put((origin[i] = words[word + i]!))
  }

  add(first: number, end: number): void {
    if (first === this.#end && this.#end > this.#first) {
      this.#end = end
      return
    }
    this.#endRange()
    this.#first = first
    this.#end = end
  }

  digest(): string {
    this.#endRange()
    const rest = pending.subarray(0, this.#used)
    const digest =
      this.#hash === null ? hash('sha256', rest, 'base64url') : this.#hash.update(rest).digest('base64url')
    return digest.slice(0, KEY_CHARS)
  }

  #endRange(): void {
    if (this.#end === this.#first) return
    this.#put(this.#first)
    this.#put(this.#end)
    this.#first = this.#end = 0
  }

  #put(word: number): void {
    if (this.#used === pending.length) {
      this.#hash ??= createHash('sha256')
      this.#hash.update(pending)
      this.#used = 0
    }
    pending[this.#used++] = word
  }
}
