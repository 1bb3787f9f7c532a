import fc from 'fast-check'
import t from 'tap'
import { editDistance, nearestWord } from '../../src/base/nearest.ts'

t.test('slips of the keyboard find the word that was meant', async (t) => {
  const keys = ['max_bytes', 'max_events', 'max_age', 'url', 'batch', 'type']
  const cases: [string, string | undefined][] = [
    ['max_byte', 'max_bytes'],
    ['maxBytes', 'max_bytes'],
    ['max-bytes', 'max_bytes'],
    ['MAX_EVENTS', 'max_events'],
    ['bacth', 'batch'],
    ['uri', 'url'],
    ['tpye', 'type'],
    ['password', undefined],
    ['x', undefined],
    ['', undefined],
  ]
  for (const [written, meant] of cases) t.equal(nearestWord(written, keys), meant, written)
})

t.test('edit distance counts inserts, deletes, replacements and swaps of neighbours', async (t) => {
  t.equal(editDistance('', 'abc'), 3)
  t.equal(editDistance('abc', ''), 3)
  t.equal(editDistance('abc', 'acb'), 1)
  t.equal(editDistance('kitten', 'sitting'), 3)
})

t.test('edit distance is symmetric, zero only for equals, and at most the longer length', async () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (left, right) => {
      const edits = editDistance(left, right)
      return (
        edits === editDistance(right, left) &&
        (edits === 0) === (left === right) &&
        edits <= Math.max(left.length, right.length)
      )
    }),
  )
})
