import t from 'tap'
import {
  formatClock,
  formatCount,
  formatLatency,
  formatSize,
} from '../../../src/commands/terminal/figures.ts'
import {
  bar,
  columnsOf,
  fit,
  glyphsFor,
  sparkline,
  wrapWords,
} from '../../../src/commands/terminal/graphics.ts'
import { parseCount } from '../../../src/commands/terminal/numbers.ts'
import { createPaint, wantsColour } from '../../../src/commands/terminal/paint.ts'
import { RateMeter } from '../../../src/commands/terminal/rate-meter.ts'

const glyphs = glyphsFor({ LANG: 'en_US.UTF-8' })

t.test('a bar keeps to its width, and what is not empty shows', async (t) => {
  t.equal(bar(0, 4, glyphs), '░░░░')
  t.equal(bar(0.0001, 4, glyphs), '▌░░░')
  t.equal(bar(0.5, 4, glyphs), '██░░')
  t.equal(bar(1, 4, glyphs), '████')
  t.equal(bar(7, 4, glyphs), '████')
  t.equal(bar(-1, 4, glyphs), '░░░░')
})

t.test('a sparkline shows the newest values', async (t) => {
  t.equal(sparkline([5, 0, 1, 50, 100, 120], 5, 100, glyphs), ' ▁▅██')
  t.equal(sparkline([1, 2], 5, 0, glyphs), '██')
  t.equal(sparkline([1, 2], 0, 2, glyphs), '')
})

t.test('ASCII where nothing else can be shown', async (t) => {
  for (const env of [{ LANG: 'C' }, { LC_ALL: 'de_DE.ISO-8859-1', LANG: 'de_DE.UTF-8' }, { TERM: 'linux' }]) {
    t.equal(bar(0.5, 4, glyphsFor(env)), '##..', JSON.stringify(env))
  }
  t.equal(glyphsFor({}), glyphs)
  t.equal(glyphsFor({ LC_ALL: '', LANG: 'C.utf8' }), glyphs)
})

t.test('lines are cut to the columns, colours not counted', async (t) => {
  const { good, strong } = createPaint(true)
  const line = `${strong('in')} and ${good('out')}`
  t.equal(columnsOf(line), 10)
  t.equal(fit(line, 10, glyphs), line)
  for (let columns = 1; columns < 10; columns++) t.equal(columnsOf(fit(line, columns, glyphs)), columns)
  t.equal(fit('abcdef', 4, glyphs), 'abc…')
  t.match(fit(line, 9, glyphs), /\x1b\[0m$/, 'no colour is left on') // oxlint-disable-line no-control-regex
  t.equal(createPaint(false).bad('x'), 'x')
})

t.test('words', async (t) => {
  t.same(wrapWords('to be or not to be', 8), ['to be or', 'not to', 'be'])
  t.same(wrapWords('incomprehensible it is', 8), ['incompre', 'it is'])
})

t.test('colours only where they are wanted', async (t) => {
  t.ok(wantsColour({ isTTY: true }, true, {}))
  t.ok(wantsColour({ isTTY: true }, true, { NO_COLOR: '' }))
  t.notOk(wantsColour({ isTTY: true }, true, { NO_COLOR: '1' }))
  t.notOk(wantsColour({ isTTY: true }, false, {}))
  t.notOk(wantsColour({}, true, {}))
})

t.test('figures', async (t) => {
  t.equal(formatCount(1_234_567.4), '1,234,567')
  t.same([12, 2048, 1.5 * 2 ** 20, 200 * 2 ** 20, 2 ** 31].map(formatSize), [
    '12 B',
    '2 KiB',
    '1.5 MiB',
    '200 MiB',
    '2.00 GiB',
  ])
  t.same([0.5, 25, 250, 12_345, NaN, Infinity].map(formatLatency), [
    '0.50 ms',
    '25 ms',
    '0.25 s',
    '12 s',
    '-',
    '-',
  ])
  t.same([0, 61_999, 600_000].map(formatClock), ['00:00', '01:01', '10:00'])
  t.same(
    ['50', '50k', '50K', '1.5M', '1m', '0'].map(parseCount),
    [50, 50_000, 50_000, 1_500_000, 1_000_000, 0],
  )
  t.same(
    ['', '-1', '1.5', '5g', '1e3', '99999999999999'].map(parseCount),
    Array.from({ length: 6 }, () => undefined),
  )
})

t.test('a rate is over the window', async (t) => {
  const meter = new RateMeter(1000)
  t.equal(meter.perSecond(0, 0), 0)
  t.equal(meter.perSecond(500, 100), 200)
  t.equal(meter.perSecond(1000, 200), 200)
  t.equal(meter.perSecond(2000, 200), 0)
  t.equal(meter.perSecond(2500, 700), 500 / 1.5)
})
