import fc from 'fast-check'
import t from 'tap'
import { Nesting, UNENDED } from '../../../src/scan/framing/nesting.ts'
import { asBytes } from '../../helpers/extent-rig.ts'

/** Passes over a value that comes in pieces, keeping nothing but the state between them. */
function passInPieces(bytes: Uint8Array, cuts: readonly number[]): number {
  let state = -1
  let from = 0
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    const nesting = new Nesting()
    if (state === -1) nesting.begin()
    else nesting.restore(state)
    const end = nesting.pass(bytes, from, to)
    if (end !== UNENDED) return end
    state = nesting.state
    from = to
  }
  return UNENDED
}

t.test('finds the end of any JSON value, in however many pieces it comes', async () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.constantFrom(' ', ',', ']', '}', '\n', ',"x"]'),
      fc.array(fc.nat(), { maxLength: 6 }),
      (json, behind, cuts) => {
        const bytes = asBytes(json + behind)
        return passInPieces(bytes, cuts) === asBytes(json).length
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('escapes at the border of two pieces', async (t) => {
  const bytes = asBytes('"a\\"b\\\\" ')
  for (let cut = 1; cut < bytes.length; cut++) t.equal(passInPieces(bytes, [cut]), 8, `cut at ${cut}`)
})

t.test('what has not ended, and what is too deep to be remembered', async (t) => {
  const nesting = new Nesting()
  nesting.begin()
  t.equal(nesting.pass(asBytes('{"a":[1,"]}'), 0, 11), UNENDED)
  const deep = new Uint8Array(1 << 20).fill(0x5b)
  nesting.begin()
  t.equal(nesting.pass(deep, 0, deep.length), UNENDED)
  t.ok(nesting.state > 0)
  nesting.pass(deep, 0, deep.length)
  t.equal(nesting.state, -1, '2^21 open containers')
})
