/** What was recorded of how Spillway compares with others, and whether it still does. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Host } from '../results.ts'

export const RATIOS_FILE = fileURLToPath(new URL('../ratios.json', import.meta.url))

/**
 * What Spillway costs, divided by what the other costs, by what is compared, as `tcp-2 memory / relay`: smaller is better.
 * Each is the cheapest of its runs: what else a machine does only ever adds.
 */
export type Ratios = Readonly<Record<string, number>>

/** Short runs are less warm than long ones, and have ratios of their own. */
export type Extent = 'full' | 'quick'

interface RecordedRatios {
  /** By how much a ratio may be larger than the recorded one, as a share of that. */
  readonly margin: number
  readonly reason: string
  readonly recordedAt: string
  readonly host: Host
  readonly ratios: Ratios
}

type Recorded = Readonly<Partial<Record<Extent, RecordedRatios>>>

const margins: Readonly<Record<Extent, { margin: number; reason: string }>> = {
  full: {
    margin: 0.35,
    reason:
      'On a virtual machine with neighbours runs of unchanged code differ by 30 % within a check, and the cheapest of three by some 20 % from one check to the next.',
  },
  quick: {
    margin: 1,
    reason:
      'Two short rounds beside other tests on the same cores: twice the cost is no noise, and less than that is for the long check to tell.',
  },
}

export interface Verdict {
  readonly name: string
  readonly ratio: number
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

/** Leaves what was recorded of the other extent, and with `isPart` also of ratios that are not among these. */
export function recordRatios(file: string, extent: Extent, by: Host, measured: Ratios, isPart = false): void {
  const recorded: Recorded = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const ratios = isPart ? { ...recorded[extent]?.ratios, ...measured } : measured
  const recordedAt = new Date().toISOString()
  const now: Recorded = { ...recorded, [extent]: { ...margins[extent], recordedAt, host: by, ratios } }
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
    const atMost = before * (1 + margin)
    return { name, ratio: now, recorded: before, atMost, isWorse: !(now <= atMost) }
  })
}
