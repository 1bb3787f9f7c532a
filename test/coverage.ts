/**
 * After `npm test`: at least 95 % of all lines of src/ and workers/ were run by some test. Tap's own gate knows 100 % only.
 * Lines that run only in a process that a test kills count as not run.
 */
import { existsSync, readFileSync } from 'node:fs'

const LINES_MIN_PERCENT = 95

const report = new URL('../.tap/report/coverage-summary.json', import.meta.url)
if (existsSync(report)) {
  const { total } = JSON.parse(readFileSync(report, 'utf8'))
  const percent = Number(total.lines.pct)
  const enough = percent >= LINES_MIN_PERCENT
  process.stdout.write(
    `${enough ? '' : 'not enough: '}${percent} % of lines covered, at least ${LINES_MIN_PERCENT} %\n`,
  )
  process.exitCode = enough ? 0 : 1
}
