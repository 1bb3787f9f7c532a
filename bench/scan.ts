/**
 * Speed of one thread over one schema: the scanner, its grammar alone, `JSON.parse` + TypeBox, `simdjson.isValid`.
 *
 *     node bench/scan.ts [--json FILE] [--runs 5] [--count 100000] [--only CASE]
 *
 * All ways take turns within one run, so that what else the machine does meets them alike.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compileScanner } from '../src/scan/scanner.ts'
import { simdjson } from '../src/scan/simdjson.ts'
import { builtinSpecs } from '../src/schema/builtin.ts'
import { compileOracle } from '../src/schema/oracle.ts'
import { host } from './results.ts'
import { makeEvents } from './scan-events.ts'
import type { EventSet } from './scan-events.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    runs: { type: 'string', default: '5' },
    count: { type: 'string', default: '100000' },
    only: { type: 'string' },
  },
})
const count = Number(options.count)
const limits = { maxDepth: 256 }

const cases = [
  { name: 'plain', shape: 'plain', count },
  { name: '4 KiB', shape: 'long', count: Math.ceil(count / 10) },
  { name: 'escapes', shape: 'escapes', count: Math.ceil(count / 2) },
] as const

/** Each walks the whole set and returns how many events it accepted. */
const ways: Record<string, (events: EventSet) => number> = {
  'scanner, soc': withScanner('soc'),
  'scanner, grammar only': withScanner('any'),
  'JSON.parse + TypeBox': parseAndCheck(),
  'simdjson.isValid': isValidOnly,
}

function withScanner(schema: 'soc' | 'any'): (events: EventSet) => number {
  const scanner = compileScanner(builtinSpecs[schema], limits)
  // What a worker keeps of each record, so that no result is computed for nothing.
  const severities = new Uint8Array(count)
  const times = new Float64Array(count)
  return ({ bytes, length }) => {
    let accepted = 0
    for (let at = 0; at < length; at++) {
      const end = scanner.scanLine(bytes, at)
      if (end >= 0) {
        severities[accepted] = scanner.severity
        times[accepted++] = scanner.timeMs
        at = end
      } else at = bytes.indexOf(0x0a, at)
    }
    return accepted
  }
}

function parseAndCheck(): (events: EventSet) => number {
  const oracle = compileOracle(builtinSpecs.soc.schema)
  return ({ bytes, length }) => eachLine(bytes, length, (text) => oracle.check(JSON.parse(text)))
}

function isValidOnly({ bytes, length }: EventSet): number {
  const { isValid } = simdjson
  return isValid === null ? 0 : eachLine(bytes, length, isValid)
}

function eachLine(bytes: Uint8Array, length: number, accepts: (text: string) => boolean): number {
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

function measure({ name, shape, count: events }: (typeof cases)[number]): Result[] {
  const set = makeEvents(shape, events)
  const seconds = new Map(Object.keys(ways).map((way) => [way, [] as number[]]))
  const accepted = new Map<string, number>()
  const walk = (way: string): number => {
    const start = process.hrtime.bigint()
    accepted.set(way, ways[way]!(set))
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
      meanEventBytes: Math.round(set.length / events),
      gigabytesPerSecond: { median: rate(middle), min: rate(sorted.length - 1), max: rate(0) },
      eventsPerSecond: Math.round(events / sorted[middle]!),
      undecided: events - accepted.get(way)!,
    }
  })
}

const results = cases
  .filter(({ name }) => options.only === undefined || name === options.only)
  .flatMap(measure)
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
  writeFileSync(options.json, JSON.stringify({ bench: 'scan', environment: host(), results }, null, 2) + '\n')
}
