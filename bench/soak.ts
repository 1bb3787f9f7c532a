/**
 * A long run at a steady rate, through three sources, a journal on disk and a sink whose destination throttles for some
 * seconds of every minute. Exit code 1 when an event was lost or doubled, the ledger does not balance, or something has
 * grown after the warm-up: see soak/growth.ts.
 *
 *     npm run soak -- [--minutes 30] [--rate 20000] [--sample-ms 1000] [--json FILE]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MIB } from '../src/base/units.ts'
import { host } from './results.ts'
import { JUDGED_MINUTES_MIN, growthOf } from './soak/growth.ts'
import { runSoak } from './soak/run-soak.ts'
import type { Sample } from './soak/sample.ts'

const RESULT_FILE = fileURLToPath(new URL('./results/soak.json', import.meta.url))
const THROTTLING = { status: 429, fromS: 40, toS: 45, everyS: 60 }

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '20000' },
    'sample-ms': { type: 'string', default: '1000' },
    json: { type: 'string', default: RESULT_FILE },
  },
})
const minutes = Number(options.minutes)
const eventsPerSecond = Number(options.rate)
const startedAt = new Date().toISOString()

let shown = 0

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}

function show(sample: Sample): void {
  if (Math.floor(sample.atS / 60) === shown) return
  shown = Math.floor(sample.atS / 60)
  const { residentBytes, heapBytes, externalBytes, openFiles, usedSlabs, journalBytes, heldEvents } = sample
  console.log(
    `${shown} min: resident ${mib(residentBytes)}, heap ${mib(heapBytes)}, external ${mib(externalBytes)}, ` +
      `${openFiles} files, ${usedSlabs} slabs, journal ${mib(journalBytes)}, ${heldEvents} events held`,
  )
}

const plan = {
  seconds: minutes * 60,
  eventsPerSecond,
  sampleMs: Number(options['sample-ms']),
  outage: THROTTLING,
}
const { events, samples, faults } = await runSoak(plan, show)
const growth = growthOf(samples)
const grown = growth.filter((one) => one.grown)
const judged = minutes >= JUDGED_MINUTES_MIN
const all = judged ? [...faults, ...grown.map(({ quantity }) => `${quantity} has grown`)] : faults
const warm = samples[Math.floor(samples.length / 3)]!
const cpuPercent = (100 * (samples.at(-1)!.cpuS - warm.cpuS)) / (samples.at(-1)!.atS - warm.atS)
mkdirSync(dirname(options.json), { recursive: true })
const result = {
  startedAt,
  host: host(),
  minutes,
  eventsPerSecond,
  events,
  cpuPercent,
  judged,
  faults: all,
  growth,
  samples,
}
writeFileSync(options.json, `${JSON.stringify(result)}\n`)
console.table(
  growth.map(({ quantity, middle, last, allowed }) => ({
    quantity,
    middle,
    last,
    allowed: Math.round(allowed),
  })),
)
const what = `${events} events in ${minutes} min at ${eventsPerSecond} a second, ${cpuPercent.toFixed(1)} % of a core`
if (all.length > 0) console.log(`WRONG: ${all.join('; ')}; ${what}`)
else
  console.log(
    `nothing lost or doubled, ${judged ? 'nothing has grown' : 'too short to tell growth'}; ${what}`,
  )
process.exitCode = all.length > 0 ? 1 : 0
