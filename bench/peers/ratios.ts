/** What was recorded of how Spillway compares with others, and whether it still does. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Host } from '../results.ts'

export const RATIOS_FILE = fileURLToPath(new URL('../ratios.json', import.meta.url))

/** What Spillway costs, divided by what the other costs: smaller is better. */
export interface Ratio {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** By what is compared, as `tcp-2 memory / relay`. */
export type Ratios = Readonly<Record<string, Ratio>>

/** Short runs are less warm than long ones, and have ratios of their own. */
export type Extent = 'full' | 'quick'

interface RecordedRatios {
  /** By how much a median may be larger than the recorded one, as a share of that. */
  readonly margin: number
  readonly reason: string
  readonly recordedAt: string
  readonly host: Host
  readonly ratios: Ratios
}

type Recorded = Readonly<Partial<Record<Extent, RecordedRatios>>>

const margins: Readonly<Record<Extent, { margin: number; reason: string }>> = {
  full: {
    margin: 0.25,
    reason:
      'Each run of a round meets the same machine, but a neighbour of a virtual machine comes and goes within seconds: medians of three rounds of unchanged code differ by up to 15 %.',
  },
  quick: {
    margin: 1,
    reason:
      'Two short rounds beside other tests on the same cores: twice the cost is no noise, and less than that is for the long check to tell.',
  },
}

export interface Verdict {
  readonly name: string
  readonly median: number
  readonly recorded: number
  readonly atMost: number
  readonly isWorse: boolean
}

export function readRatios(file: string, extent: Extent): RecordedRatios {
  const recorded: Recorded = JSON.parse(readFileSync(file, 'utf8'))
  const found = recorded[extent]
  if (found === undefined) throw new Error(`${file} has no ${extent} ratios: record them with --record`)
  return found
}

/** Leaves what was recorded of the other extent as it is. */
export function recordRatios(file: string, extent: Extent, host: Host, ratios: Ratios): void {
  const recorded: Recorded = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const recordedAt = new Date().toISOString()
  const now: Recorded = { ...recorded, [extent]: { ...margins[extent], recordedAt, host, ratios } }
  writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`)
}

/**
 * Of the ratios that are asked for. Throws where one was measured and never recorded, or the other way round: a check that
 * checks less is none.
 */
export function judge(
  { ratios: recorded, margin }: Pick<RecordedRatios, 'ratios' | 'margin'>,
  measured: Ratios,
  isAskedFor: (name: string) => boolean = () => true,
): Verdict[] {
  const names = new Set([...Object.keys(recorded), ...Object.keys(measured)].filter(isAskedFor))
  return [...names].map((name) => {
    const [before, now] = [recorded[name], measured[name]]
    if (before === undefined) throw new Error(`no ratio is recorded of ${name}: record them with --record`)
    if (now === undefined) throw new Error(`${name} was recorded, and is not measured`)
    const atMost = before.median * (1 + margin)
    return { name, median: now.median, recorded: before.median, atMost, isWorse: !(now.median <= atMost) }
  })
}

export function ratioOf(values: readonly number[]): Ratio {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median: rounded(median), min: rounded(sorted[0]!), max: rounded(sorted[sorted.length - 1]!) }
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
