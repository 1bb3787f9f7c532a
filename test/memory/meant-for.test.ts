import t from 'tap'
import { HEADER } from '../../src/memory/frame-region.ts'
import { isMeantFor, readMeantFor, writeMeantFor } from '../../src/memory/meant-for.ts'

void t.test('a frame names sinks, the first and the last of 64 among them, or nobody', async (t) => {
  const header = 52
  const words = new Int32Array(2 * header)
  t.equal(readMeantFor(words, header), null)
  writeMeantFor(words, header, [0, 31, 32, 63])
  t.same(readMeantFor(words, header), [0, 31, 32, 63])
  t.same(
    [...words.keys()].filter((word) => words[word] !== 0),
    [header + HEADER.MEANT_FOR, header + HEADER.MEANT_FOR + 1],
    'nothing else is written',
  )
  t.throws(() => writeMeantFor(words, header, []))
  t.throws(() => writeMeantFor(words, header, [64]))
  t.ok(isMeantFor(null, 7))
  t.ok(isMeantFor([3, 7], 7))
  t.notOk(isMeantFor([3, 7], 4))
})
