/**
 * After `npm test`: at least 95 % of the lines of src/ and workers/ were run by some test. Tap's own gate knows 100 % only,
 * and counts what tests share, too. Lines that run only in a process that a test kills count as not run.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const LINES_MIN_PERCENT = 95

const root = join(import.meta.dirname, '..')
const report = join(root, '.tap/report/coverage-summary.json')

interface FileCoverage {
  readonly lines: { readonly total: number; readonly covered: number }
}

if (existsSync(report)) {
  const files: Record<string, FileCoverage> = JSON.parse(readFileSync(report, 'utf8'))
  const shipped = Object.entries(files).filter(([path]) => /^(src|workers)\//.test(relative(root, path)))
  const sum = (count: 'total' | 'covered') => shipped.reduce((all, [, { lines }]) => all + lines[count], 0)
  const percent = (100 * sum('covered')) / sum('total')
  const enough = percent >= LINES_MIN_PERCENT
  process.stdout.write(
    `${enough ? '' : 'too few: '}${percent.toFixed(2)} % of lines covered, at least ${LINES_MIN_PERCENT} %\n`,
  )
  process.exitCode = enough ? 0 : 1
}
