/**
 * `npm run simulate:delivery -- [--seeds N] [--from SEED] [--trace] [--keep-going]`: one dispatcher before one receiver after
 * another, each decided by its seed, at random ones where none is given. Ends at the first that breaks a promise, and says how
 * to see it again.
 */
/* oxlint-disable no-await-in-loop */
import { parseArgs } from 'node:util'
import { Life } from './life.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
})
const from = values.from === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.from)
const count = Number(values.seeds)
const sums: Record<string, number> = {}
const failures = new Map<string, number[]>()
const startedAtMs = Date.now()

for (let seed = from; seed < from + count; seed++) {
  const life = new Life(seed, values.trace)
  try {
    await life.play()
  } catch (error) {
    if (!values['keep-going']) {
      if (values.trace) process.stdout.write(`${life.story.join('\n')}\n`)
      const { commits: _, ...scenario } = life.scenario
      const settings = JSON.stringify({ ...scenario, status: life.rig.dispatcher.status() }, null, 1)
      const again = `npm run simulate:delivery -- --seeds 1 --from ${seed} --trace`
      process.stderr.write(`${settings}\nseed ${seed}: ${(error as Error).stack}\nonce more: ${again}\n`)
      process.exitCode = 1
      break
    }
    const message = (error as Error).message.split('\n')[0]!.replaceAll(/[\d.]+/g, '#')
    failures.set(message, [...(failures.get(message) ?? []), seed])
    void life.rig.dispatcher.stop()
    continue
  }
  if (values.trace) process.stdout.write(`${life.story.join('\n')}\n`)
  for (const [name, value] of Object.entries(life.totals)) sums[name] = (sums[name] ?? 0) + value
}

const seconds = (Date.now() - startedAtMs) / 1000
const cpuSeconds = process.cpuUsage().user / 1e6
process.stdout.write(
  `${count} seeds from ${from} in ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} of CPU): ${JSON.stringify(sums)}\n`,
)
for (const [message, seeds] of failures)
  process.stdout.write(`${seeds.length} x ${message}: ${seeds.slice(0, 12).join(' ')}\n`)
if (failures.size > 0) process.exitCode = 1
