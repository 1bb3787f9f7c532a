import fc from 'fast-check'
import t from 'tap'
import { OCTET_COUNT_MAX, OctetFrames } from '../../../src/scan/framing/octets.ts'

const bytesOf = (text: string) => Buffer.from(text, 'latin1')

/** The messages of a stream that comes in pieces; null where it doesn't count octets. */
function messagesOf(text: string, counted: boolean | null = true, cuts: readonly number[] = []) {
  const frames = new OctetFrames(counted)
  const bytes = bytesOf(text)
  const ends: number[] = []
  const borders = [...cuts, bytes.length].toSorted((a, b) => a - b)
  let from = 0
  for (const to of borders) {
    for (let at = from; ;) {
      const next = frames.next(bytes, at, to)
      if (frames.counted === false) return null
      if (next === -1) break
      ends.push(next)
      at = next
    }
    from = to
  }
  return { ends, atStart: frames.atStart, inLine: frames.inLine }
}

/** The same in one piece, as texts. */
function texts(text: string, counted: boolean | null = true): string[] | null {
  const frames = new OctetFrames(counted)
  const bytes = bytesOf(text)
  const found: string[] = []
  for (let at = 0; ;) {
    at = frames.next(bytes, at, bytes.length)
    if (frames.counted === false) return null
    if (at === -1) return found
    found.push(bytes.toString('latin1', frames.messageFrom, frames.messageTo))
  }
}

t.test('frames as RFC 6587 has them, line feeds inside included', async (t) => {
  t.same(texts('5 <1>ab7 <13>c\nd'), ['<1>ab', '<13>c\nd'])
  t.same(texts('5 <1>ab'), ['<1>ab'])
})

t.test('what senders put between frames is no message', async (t) => {
  t.same(texts('5 <1>ab\n\r\n 5 <1>cd\n\0'), ['<1>ab', '<1>cd'])
})

t.test('a length that is none: the line is a message, and counting goes on', async (t) => {
  t.same(texts('<1>plain\n5 <1>ab'), ['<1>plain', '<1>ab'])
  t.same(texts('05 <1>ab\n5 <1>cd'), ['05 <1>ab', '<1>cd'])
  t.same(texts('-5 <1>ab\n5 <1>cd'), ['-5 <1>ab', '<1>cd'])
  t.same(texts('5<1>ab\n5 <1>cd'), ['5<1>ab', '<1>cd'])
  t.same(texts(`${OCTET_COUNT_MAX + 1} <1>ab\n5 <1>cd`), [`${OCTET_COUNT_MAX + 1} <1>ab`, '<1>cd'])
  t.same(texts('3 <1>ab\n5 <1>cd'), ['<1>', 'ab', '<1>cd'], 'too short: the rest up to the line feed')
  t.same(texts('8 <1>ab\n5 <1>cd\n5 <1>ef'), ['<1>ab\n5 ', '<1>cd', '<1>ef'], 'too long: into the next one')
})

t.test('the first frame tells whether a stream counts', async (t) => {
  t.same(texts('5 <1>ab5 x', null), ['<1>ab'])
  for (const lines of [
    '<1>ab\n',
    '12 Sep 2024 host su: no\n',
    '12\n',
    'ab\n',
    '0 <1>ab\n',
    '2024-09-12T10:11:12Z x\n',
  ]) {
    t.equal(texts(lines, null), null, JSON.stringify(lines))
  }
  t.same(messagesOf('12', null), { ends: [], atStart: false, inLine: true }, 'not yet known')
  t.same(messagesOf('12 ', null), { ends: [], atStart: false, inLine: false }, 'not yet known')
})

t.test('it does not matter where a stream is cut', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(
      '5 <1>ab',
      '12 <13>hello\nyou',
      '3 <1',
      '99999 ',
      '\n',
      ' ',
      '\0',
      '12',
      '<13>line\n',
      '9 <1>',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 4 }),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.nat(60), { maxLength: 8 }),
      fc.constantFrom(true, null),
      (pieces, cuts, counted) => {
        const text = pieces.join('')
        const within = cuts.filter((cut) => cut < text.length)
        t.same(messagesOf(text, counted, within), messagesOf(text, counted))
      },
    ),
    { numRuns: 500 },
  )
})

t.test('save and rewind', async (t) => {
  const frames = new OctetFrames(null)
  const bytes = bytesOf('9 <1>abcdef')
  frames.save()
  t.equal(frames.next(bytes, 0, 5), -1)
  t.equal(frames.counted, true)
  frames.rewind()
  t.equal(frames.counted, null)
  t.equal(frames.next(bytes, 0, 5), -1)
  t.equal(frames.next(bytes, 5, 11), 11)
})
