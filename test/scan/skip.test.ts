import fc from 'fast-check'
import t from 'tap'
import { MALFORMED, skipValue, TOO_DEEP, TRUNCATED } from '../../src/scan/skip.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20260115)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)

function skip(text: string, maxDepth = 8, newlineIsSpace = true): number {
  const bytes = Buffer.from(text)
  return skipValue(bytes, 0, bytes.length, maxDepth, newlineIsSpace)
}

t.test('ends', (t) => {
  for (const [text, end] of [
    ['{"a":[1,-2.5e+3,true,false,null,"x\\u00e9\\n"],"b":{}} ,', 52],
    [' \t\r\n[ ] x', 7],
    ['12', 2],
    ['0', 1],
    ['-0.10E5,', 7],
    ['"a"b', 3],
  ] as const) {
    t.equal(skip(text), end, text)
  }
  t.end()
})

t.test('malformed', (t) => {
  for (const text of [
    '{a:1}',
    '{"a" 1}',
    '{"a":1,}',
    '[1,]',
    '[1 2]',
    '{]',
    '[}',
    'nul1',
    '+1',
    '-a',
    '1.a',
    '1ea',
    'x',
    '"\u0001"',
    '"\\x"',
    '"\\u12g4"',
    '[1}',
    '{"a":1]',
    ',',
    '\ufeff1',
  ]) {
    t.equal(skip(text), MALFORMED, JSON.stringify(text))
  }
  t.equal(skip('{"a":\n1}', 8, false), MALFORMED, 'a line feed between tokens')
  t.equal(skip('{"a":\r1}', 8, false), 8, 'a carriage return is a blank')
  t.end()
})

t.test('truncated', (t) => {
  const whole = '{"a":[1,-2.5e+3,true,"x\\u00e9\\n"],"b":{}}'
  for (let length = 0; length < whole.length; length++)
    t.equal(skip(whole.slice(0, length)), TRUNCATED, String(length))
  for (const text of ['-', '1.', '1e', '1e+', 'tru']) t.equal(skip(text), TRUNCATED, text)
  t.end()
})

t.test('depth', (t) => {
  t.equal(skip('['.repeat(8) + ']'.repeat(8)), 16)
  t.equal(skip('['.repeat(9) + ']'.repeat(9)), TOO_DEEP)
  t.equal(skip('{"a":'.repeat(100_000)), TOO_DEEP)
  t.equal(skip('['.repeat(100_000) + ']'.repeat(100_000), 100_000), 200_000, 'no recursion')
  t.end()
})

t.test('takes what JSON.parse takes', (t) => {
  const token = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '"a"',
    '"b":',
    ' ',
    '\n',
    '1',
    '-0',
    '.5',
    'e1',
    '0',
    'true',
    'null',
    '\\',
    'é',
  )
  const text = fc.oneof(
    fc.array(token, { maxLength: 8 }).map((tokens) => tokens.join('')),
    fc.json({ maxDepth: 4 }),
    fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), token).map(([json, at, extra]) => {
      const index = at % (json.length + 1)
      return json.slice(0, index) + extra + json.slice(index + (at % 2))
    }),
  )
  fc.assert(
    fc.property(text, (json) => {
      const end = skip(json, 64)
      let parses = true
      try {
        JSON.parse(json)
      } catch {
        parses = false
      }
      const isOneValue = end >= 0 && Buffer.from(json).subarray(end).toString().trim() === ''
      return isOneValue === parses
    }),
    { seed, numRuns: 20_000 },
  )
  t.end()
})
