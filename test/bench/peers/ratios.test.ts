import { join } from 'node:path'
import t from 'tap'
import { RATIOS_FILE, judge, readRatios, recordRatios } from '../../../bench/peers/ratios.ts'
import { host } from '../../../bench/results.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'

t.test('worse by more than the margin is worse, and nothing else', async (t) => {
  const recorded = { margin: 0.25, ratios: { a: 0.4, b: 0.4, c: 0.4 } }
  const verdicts = judge(recorded, { a: 0.49, b: 0.51, c: 0.1 })
  t.match(verdicts, [
    { name: 'a', isWorse: false, atMost: 0.5 },
    { name: 'b', isWorse: true, ratio: 0.51, recorded: 0.4 },
    { name: 'c', isWorse: false },
  ])
  t.match(judge(recorded, { a: NaN, b: 1, c: 1 })[0], { isWorse: true }, 'NaN is not good')
})

t.test('what was recorded is measured, and what is measured was recorded', async (t) => {
  const recorded = { margin: 0.25, ratios: { a: 1, b: 1 } }
  t.throws(() => judge(recorded, { a: 1 }), /b was recorded, and is not measured/)
  t.throws(() => judge(recorded, { a: 1, b: 1, c: 1 }), /no ratio is recorded of c/)
  t.match(
    judge(recorded, { a: 1 }, (name) => name === 'a'),
    [{ name: 'a' }],
    'unless others are asked for',
  )
})

t.test('recording one extent leaves the other', async (t) => {
  const file = join(temporaryDirectory(t), 'ratios.json')
  recordRatios(file, 'full', host(), { a: 1 })
  recordRatios(file, 'quick', host(), { a: 2 })
  recordRatios(file, 'full', host(), { a: 3 })
  t.match(readRatios(file, 'quick'), { margin: Number, reason: String, ratios: { a: 2 } })
  recordRatios(file, 'full', host(), { b: 4 }, true)
  t.match(readRatios(file, 'full'), { ratios: { a: 3, b: 4 }, host: { node: process.version } })
})

t.test('both extents are recorded, each with the reason of its margin', async (t) => {
  for (const extent of ['full', 'quick'] as const) {
    const { margin, reason, ratios } = readRatios(RATIOS_FILE, extent)
    t.ok(margin > 0 && reason.length > 50, extent)
    for (const [name, ratio] of Object.entries(ratios)) t.ok(ratio > 0, name)
  }
})
