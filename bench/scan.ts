/**
 * Speed of one thread over one schema: the scanner, its grammar alone, `JSON.parse` + TypeBox, `simdjson.isValid`.
 *
 *     node bench/scan.ts [--json FILE] [--runs 5] [--count 100000] [--only CASE] [--file LINES]
 *
 * All ways take turns within one run, so that what else the machine does meets them alike.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compileScanner } from '../src/scan/scanner.ts'
import { simdjson } from '../src/scan/simdjson.ts'
import { builtinSpecs } from '../src/schema/builtin.ts'
import { compileOracle } from '../src/schema/oracle.ts'
import { host } from './results.ts'
import { eventsOf, makeEvents } from './scan-events.ts'
import type { EventSet } from './scan-events.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    runs: { type: 'string', default: '5' },
    count: { type: 'string', default: '100000' },
    only: { type: 'string' },
    file: { type: 'string' },
  },
})
const count = Number(options.count)
/** Asked for first: Linux sometimes refuses a fork to a process that has made its garbage ("not enough memory for the allocation"). */
const environment = options.json === undefined ? null : host()
const limits = { maxDepth: 256 }

const cases = [
  { name: 'plain', shape: 'plain', count },
  { name: '4 KiB', shape: 'long', count: Math.ceil(count / 10) },
  { name: 'escapes', shape: 'escapes', count: Math.ceil(count / 2) },
] as const

/** Each walks the whole set and returns how many events it accepted. */
function waysOver(set: EventSet): Record<string, () => number> {
  const oracle = compileOracle(builtinSpecs.soc.schema)
  const { isValid } = simdjson
  return {
    'scanner, soc': withScanner('soc', set),
    'scanner, grammar only': withScanner('any', set),
    'JSON.parse + TypeBox': () => eachLine(set, (text) => oracle.check(JSON.parse(text))),
    'simdjson.isValid': () => (isValid === null ? 0 : eachLine(set, isValid)),
  }
}

function withScanner(
  schema: 'soc' | 'any',
  { memory, bytes, length, count: events }: EventSet,
): () => number {
  const scanner = compileScanner(builtinSpecs[schema], limits, memory)
  // What a worker keeps of each record, so that no result is computed for nothing.
  const severities = new Uint8Array(events)
  const times = new Float64Array(events)
  return () => {
    let accepted = 0
    for (let at = 0; at < length; at++) {
      const end = scanner.scanLine(at)
      if (end >= 0) {
        severities[accepted] = scanner.severity
        times[accepted++] = scanner.timeMs
        at = end
      } else at = bytes.indexOf(0x0a, at)
    }
    return accepted
  }
}

function eachLine({ bytes, length }: EventSet, accepts: (text: string) => boolean): number {
  const buffer = Buffer.from(bytes.buffer)
  let accepted = 0
  for (let at = 0; at < length;) {
    const end = buffer.indexOf(0x0a, at)
    if (accepts(buffer.toString('utf8', at, end))) accepted++
    at = end + 1
  }
  return accepted
}

interface Result {
  case: string
  way: string
  meanEventBytes: number
  gigabytesPerSecond: { median: number; min: number; max: number }
  eventsPerSecond: number
  undecided: number
}

function measure(name: string, set: EventSet): Result[] {
  const ways = waysOver(set)
  const seconds = new Map(Object.keys(ways).map((way) => [way, [] as number[]]))
  const accepted = new Map<string, number>()
  const walk = (way: string): number => {
    const start = process.hrtime.bigint()
    accepted.set(way, ways[way]!())
    return Number(process.hrtime.bigint() - start) / 1e9
  }
  for (const way of Object.keys(ways)) for (let warmUp = 0; warmUp < 2; warmUp++) walk(way)
  for (let run = 0; run < Number(options.runs); run++) {
    for (const way of Object.keys(ways)) seconds.get(way)!.push(walk(way))
  }
  return Object.keys(ways).map((way) => {
    const sorted = seconds.get(way)!.toSorted((a, b) => a - b)
    const rate = (index: number): number => Number((set.length / 1e9 / sorted[index]!).toFixed(3))
    const middle = sorted.length >> 1
    return {
      case: name,
      way,
      meanEventBytes: Math.round(set.length / set.count),
      gigabytesPerSecond: { median: rate(middle), min: rate(sorted.length - 1), max: rate(0) },
      eventsPerSecond: Math.round(set.count / sorted[middle]!),
      undecided: set.count - accepted.get(way)!,
    }
  })
}

const results =
  options.file === undefined ? measureCases() : measure(options.file, eventsOf(readFileSync(options.file)))

function measureCases(): Result[] {
  return cases
    .filter(({ name }) => options.only === undefined || name === options.only)
    .flatMap(({ name, shape, count: events }) => measure(name, makeEvents(shape, events)))
}

console.table(
  results.map(({ case: name, way, meanEventBytes, gigabytesPerSecond: { median, min, max }, ...rest }) => ({
    case: `${name} (${meanEventBytes} B)`,
    way,
    'GB/s': median,
    'min-max': `${min}-${max}`,
    ...rest,
  })),
)
if (options.json !== undefined) {
  writeFileSync(options.json, JSON.stringify({ bench: 'scan', environment, results }, null, 2) + '\n')
}
