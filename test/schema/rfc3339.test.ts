import fc from 'fast-check'
import t from 'tap'
import { IsDateTime } from 'typebox/format'
import { rfc3339Ms, rfc3339TextMs } from '../../src/schema/rfc3339.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20260115)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)

t.test('valid', (t) => {
  for (const [text, expected] of [
    ['1970-01-01T00:00:00Z', 0],
    ['2026-01-15T08:00:00.123Z', Date.UTC(2026, 0, 15, 8, 0, 0, 123)],
    ['2026-01-15t08:00:00.123456789z', Date.UTC(2026, 0, 15, 8, 0, 0, 123)],
    ['2026-01-15T08:00:00.5+05:30', Date.UTC(2026, 0, 15, 2, 30, 0, 500)],
    ['2026-01-15T08:00:00-00:00', Date.UTC(2026, 0, 15, 8)],
    ['0000-02-29T00:00:00Z', Date.parse('0000-02-29T00:00:00Z')],
    ['9999-12-31T23:59:59.999-23:59', Date.UTC(9999, 11, 31, 23, 59, 59, 999) + (23 * 60 + 59) * 60_000],
    ['1998-12-31T23:59:60Z', Date.UTC(1999, 0, 1)],
    ['1998-12-31T15:59:60.25-08:00', Date.UTC(1999, 0, 1, 0, 0, 0, 250)],
    ['1969-12-31T23:59:59.9Z', -100],
  ] as const) {
    t.equal(rfc3339TextMs(text), expected, text)
  }
  t.equal(rfc3339TextMs(`2026-01-15T08:00:00.${'1'.repeat(500)}Z`), Date.UTC(2026, 0, 15, 8, 0, 0, 111))
  t.end()
})

t.test('invalid', (t) => {
  for (const text of [
    '',
    '2026-01-15',
    '2026-01-15T08:00:00',
    '2026-01-15 08:00:00Z',
    '2026-01-15T08:00Z',
    '2026-1-15T08:00:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-15T24:00:00Z',
    '2026-01-15T08:60:00Z',
    '2026-01-15T08:00:61Z',
    '2026-01-15T08:00:60Z',
    '1998-12-31T23:59:60+01:00',
    '2026-01-15T08:00:00.Z',
    '2026-01-15T08:00:00,5Z',
    '2026-01-15T08:00:00+0530',
    '2026-01-15T08:00:00+24:00',
    '2026-01-15T08:00:00+05:60',
    '2026-01-15T08:00:00Z ',
    ' 2026-01-15T08:00:00Z',
    '2026-01-15T08:00:00Z[Europe/Berlin]',
    '২০২৬-01-15T08:00:00Z',
    'yesterday',
  ]) {
    t.ok(Number.isNaN(rfc3339TextMs(text)), text)
  }
  t.end()
})

t.test('agrees with TypeBox date-time, the suffix apart, and with Date', (t) => {
  const fourDigits = fc.nat(9999).map((value) => String(value).padStart(4, '0'))
  const part = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 62 }).map((value) => String(value).padStart(2, '0')) },
    { weight: 1, arbitrary: fc.constantFrom('2', '', 'ab', '-1') },
  )
  const text = fc
    .tuple(fourDigits, part, part, fc.constantFrom('T', 't', ' '), part, part, part)
    .chain(([year, month, day, separator, hour, minute, second]) =>
      fc.tuple(
        fc.constant(`${year}-${month}-${day}${separator}${hour}:${minute}:${second}`),
        fc.constantFrom('', '', '.1', '.123456', '.'),
        fc.constantFrom('Z', 'z', '+00:00', '-11:59', '+5:00', ''),
      ),
    )
    .map((parts) => parts.join(''))
  const valid = fc.date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(text, (value) => Number.isNaN(rfc3339TextMs(value)) !== IsDateTime(value)),
    { seed, numRuns: 20_000 },
  )
  fc.assert(
    fc.property(valid, (date) => rfc3339TextMs(date.toISOString()) === date.getTime()),
    { seed, numRuns: 5000 },
  )
  t.end()
})

t.test('within a buffer', (t) => {
  const bytes = Buffer.from('"2026-01-15T08:00:00Z5"')
  t.equal(rfc3339Ms(bytes, 1, 21), Date.UTC(2026, 0, 15, 8))
  t.ok(Number.isNaN(rfc3339Ms(bytes, 1, 20)))
  t.ok(Number.isNaN(rfc3339Ms(bytes, 1, 22)))
  t.end()
})
