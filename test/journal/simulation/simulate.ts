/**
 * `npm run simulate -- [--seeds N] [--from SEED] [--flips] [--trace]`: one world after another, each decided by its seed, at
 * random ones where none is given. Ends at the first that breaks a promise, and says how to see it again.
 */
/* oxlint-disable no-await-in-loop */
import { parseArgs } from 'node:util'
import { World } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string' },
    flips: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
})
const from = values.from === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.from)
const count = Number(values.seeds)
const sums: Record<string, number> = {}
const failures = new Map<string, number[]>()
const startedAtMs = Date.now()

let current: World | null = null
process.on('uncaughtException', (error) => {
  if (current === null) throw error
  current.uncaught ??= error
})

for (let seed = from; seed < from + count; seed++) {
  const world = new World(seed, { flips: values.flips })
  current = world
  try {
    await world.play()
    if (values.trace) process.stdout.write(`${world.story.join('\n')}\n`)
  } catch (error) {
    const again = `npm run simulate -- --seeds 1 --from ${seed}${values.flips ? ' --flips' : ''}`
    if (values.trace) process.stdout.write(`${world.story.join('\n')}\n`)
    if (!values['keep-going']) {
      process.stderr.write(`seed ${seed}: ${(error as Error).stack}\nonce more: ${again} --trace\n`)
      process.exitCode = 1
      break
    }
    const message = (error as Error).message.split('\n')[0]!.replaceAll(/\d+/g, '#')
    failures.set(message, [...(failures.get(message) ?? []), seed])
  }
  for (const [name, value] of Object.entries(world.totals)) sums[name] = (sums[name] ?? 0) + value
}

const seconds = (Date.now() - startedAtMs) / 1000
process.stdout.write(`${count} seeds from ${from} in ${seconds.toFixed(1)} s: ${JSON.stringify(sums)}\n`)
for (const [message, seeds] of failures)
  process.stdout.write(`${seeds.length} x ${message}: ${seeds.slice(0, 12).join(' ')}\n`)
if (failures.size > 0) process.exitCode = 1
