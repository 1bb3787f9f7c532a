/**
 * Writes the last results into the README, as tables between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
 *
 *     npm run bench:tables -- [NAME...] [--readme FILE] [--results FILE]
 *
 * NAME is that of a table in `table-plans.ts` or `targets`, for what `npm run bench` measured, or one of those below for
 * what another bench did; nothing: all. A table without results stays as it is. Exit code 1 where a table has no place,
 * a place no table, or a table that was asked for no results.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markedNames, replaceBetween } from './markdown.ts'
import { decodeTable, deliveryTable, scanTable, scanTarget } from './own-tables.ts'
import { peersTable } from './peers/table.ts'
import { RESULTS_FILE, lastResults } from './results.ts'
import { planTable, targetTable } from './run-tables.ts'
import { tablePlans } from './table-plans.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    readme: { type: 'string', default: fileURLToPath(new URL('../README.md', import.meta.url)) },
    results: { type: 'string', default: RESULTS_FILE },
  },
})

const byCase = existsSync(options.results) ? lastResults(options.results) : new Map()

/** Each gives its text, or null where nothing was measured. */
const tables: ReadonlyMap<string, () => string | null> = new Map([
  ['targets', () => targetTable(byCase, [scanTarget()])],
  ['scan', scanTable],
  ['decode', decodeTable],
  ['delivery', deliveryTable],
  ['peers', () => peersTable()],
  ...tablePlans.map((plan) => [plan.name, () => planTable(plan, byCase)] as const),
])

let text = readFileSync(options.readme, 'utf8')

/** Returns whether all is well with it. */
function write(name: string): boolean {
  const table = tables.get(name)?.()
  if (table === undefined) return told(name, 'NO SUCH TABLE', false)
  if (table === null) return told(name, 'no results: left as it was', positionals.length === 0)
  const replaced = replaceBetween(text, name, table)
  if (replaced === null) return told(name, 'NO PLACE in the README', false)
  text = replaced
  return told(name, 'written', true)
}

function told(name: string, outcome: string, isWell: boolean): boolean {
  console.log(`${name}: ${outcome}`)
  return isWell
}

const names = positionals.length > 0 ? positionals : [...new Set([...tables.keys(), ...markedNames(text)])]
const outcomes = names.map(write)
writeFileSync(options.readme, text)
if (outcomes.includes(false)) process.exitCode = 1
