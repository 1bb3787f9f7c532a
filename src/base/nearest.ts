/** The known word that a user most likely meant. */

/**
 * The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours), if it is near enough
 * to be a slip of the keyboard: a third of the word's length, at least one edit.
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let fewestEdits = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= fewestEdits) continue
    const edits = editDistance(normalize(word), normalize(candidate))
    if (edits < fewestEdits) {
      nearest = candidate
      fewestEdits = edits
    }
  }
  return nearest
}

/** `maxBytes` and `max-bytes` are as near to `max_bytes` as can be. */
function normalize(word: string): string {
  return word
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase()
}

/** Optimal string alignment distance, two rows back. */
export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      let edits = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
      )
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (row > 1 && column > 1 && swapped) edits = Math.min(edits, beforePrevious[column - 2]! + 1)
      current.push(edits)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[right.length]!
}
