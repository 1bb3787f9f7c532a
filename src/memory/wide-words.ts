/** Numbers of 64 bits in a frame's header: sequences and epochs. */

const WORD = 2 ** 32

/** Whole numbers up to 2 ** 53 in two words, the low one first. */
export function writeU64(words: Int32Array, word: number, value: number): void {
  words[word] = value
  words[word + 1] = value / WORD
}

export function readU64(words: Int32Array, word: number): number {
  return (words[word + 1]! >>> 0) * WORD + (words[word]! >>> 0)
}

/** 16 hexadecimal digits, the high ones first, as two words, the low one first. */
export function writeEpoch(words: Int32Array, word: number, epoch: string): void {
  words[word] = Number.parseInt(epoch.slice(8), 16)
  words[word + 1] = Number.parseInt(epoch.slice(0, 8), 16)
}

export function readEpoch(words: Int32Array, word: number): string {
  return hex(words[word + 1]!) + hex(words[word]!)
}

/** A word as 8 hexadecimal digits. */
function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
