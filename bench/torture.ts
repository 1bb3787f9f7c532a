/**
 * A collector in distress, as a user runs it: killed, over a disk that is full or that lies, before a destination that is
 * dead. What it acknowledged must come all the same. Exit code 1 when anything is lost or does not add up.
 */
import { randomInt } from 'node:crypto'
import { tmpdir } from 'node:os'
import { runBitFlips } from './torture/bit-flips.ts'
import { runDeadSink } from './torture/dead-sink.ts'
import { runFullDisk } from './torture/full-disk.ts'
import { runKills } from './torture/kills.ts'
import { USAGE, parsePlan } from './torture/plan.ts'
import type { Plan, Scenario } from './torture/plan.ts'
import type { Report } from './torture/scene.ts'
import { runUnshared } from './torture/small-disk.ts'

const scenarios: Readonly<
  Record<Scenario, (plan: Plan, progress: (text: string) => void) => Promise<Report | null>>
> = {
  kills: runKills,
  'dead-sink': runDeadSink,
  'bit-flips': runBitFlips,
  'full-disk': runFullDisk,
}

/** null: they are not understood, and it was said why. */
function planOf(args: readonly string[]): Plan | null {
  try {
    return parsePlan(args, { seed: randomInt(2 ** 32), parent: tmpdir() })
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return null
  }
}

const plan = planOf(process.argv.slice(2)) ?? process.exit(2)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const startMs = performance.now()
console.log(`${plan.scenario}, seed ${plan.seed}, journal on ${plan.mode}`)
const report = await scenarios[plan.scenario](plan, (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`)
})
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
if (report === null) {
  const code = runUnshared()
  if (code === null)
    console.error('a small file system cannot be mounted here: neither by root nor with unshare(1)')
  process.exit(code ?? 2)
}
const { figures, faults } = report
console.table(
  Object.entries(figures).map(([what, value]) => ({ what, value })),
  ['what', 'value'],
)
const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
if (faults.length === 0) console.log(`nothing lost, everything adds up; ${seconds} s`)
else console.log(`WRONG, after ${seconds} s:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
console.log(`again with --seed ${plan.seed}`)
process.exitCode = faults.length === 0 ? 0 : 1
