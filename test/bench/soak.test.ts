import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { MIB } from '../../src/base/units.ts'
import { growthOf } from '../../bench/soak/growth.ts'
import type { Sample } from '../../bench/soak/sample.ts'
import { temporaryDirectory } from '../helpers/collector.ts'

const program = fileURLToPath(new URL('../../bench/soak.ts', import.meta.url))

/** Of three thirds: what each sample adds to what is resident. */
function samplesWith(addedMib: (index: number) => number): Sample[] {
  return Array.from({ length: 90 }, (_, index) => ({
    atS: index,
    cpuS: 0,
    residentBytes: (200 + addedMib(index)) * MIB,
    heapBytes: 30 * MIB,
    externalBytes: 50 * MIB,
    activeResources: 20,
    openFiles: 40,
    threads: 16,
    usedSlabs: 5,
    journalBytes: 10 * MIB,
    heldEvents: 100,
    workerMajorCollections: 0,
  }))
}

function grown(addedMib: (index: number) => number): string[] {
  return growthOf(samplesWith(addedMib))
    .filter((one) => one.grown)
    .map(({ quantity }) => quantity)
}

t.test('growth is what the last third has more than the middle one', async (t) => {
  t.strictSame(
    grown(() => 0),
    [],
  )
  t.strictSame(
    grown((index) => Math.min(index, 30) * 3),
    [],
    'a warm-up is none',
  )
  t.strictSame(
    grown((index) => (index % 10 === 0 ? 80 : 0)),
    [],
    'nor is what goes away again',
  )
  t.strictSame(
    grown((index) => index / 2),
    ['residentBytes'],
    'a leak is',
  )
})

t.test('a few seconds of it: nothing is lost, and every quantity is there', async (t) => {
  const json = join(temporaryDirectory(t), 'soak.json')
  const env = { ...process.env, NODE_V8_COVERAGE: undefined, NODE_OPTIONS: undefined }
  const args = [program, '--minutes', '0.03', '--rate', '600', '--sample-ms', '300', '--json', json]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  t.match(stdout, /nothing lost or doubled, too short to tell growth; \d+ events in 0.03 min/)
  const result: { samples: Sample[]; faults: string[]; events: number } = JSON.parse(
    readFileSync(json, 'utf8'),
  )
  t.strictSame(result.faults, [])
  t.ok(result.events > 1000, 'all were sent')
  t.ok(result.samples.length > 0)
  for (const [quantity, value] of Object.entries(result.samples.at(-1)!)) {
    t.ok(Number.isFinite(value), `${quantity} is a number`)
  }
  t.ok(
    result.samples.every(
      ({ openFiles, threads, heapBytes }) => openFiles > 10 && threads > 3 && heapBytes > MIB,
    ),
  )
})
