/** Results on disk: one line of JSON for each run, and what the runs of one start come to. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GIB, MIB } from '../src/base/units.ts'
import type { Figures } from './bench-case.ts'

export const RESULTS_FILE = fileURLToPath(new URL('./results/runs.jsonl', import.meta.url))

export interface Host {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  /** With a `+` when the tree has changes. */
  readonly commit: string
}

export interface Environment extends Host {
  readonly load: 'own threads' | 'C tools' | 'an own thread, received by C tools'
}

export interface RunResult {
  readonly case: string
  /** When the benchmark that the run belongs to was started, ISO 8601. */
  readonly startedAt: string
  readonly run: number
  readonly tiny: boolean
  readonly environment: Environment
  /** CPU seconds of a fixed piece of work just before the run: how fast the machine was at the time. */
  readonly calibrationS: number
  /** With the start of the collector, and its end. */
  readonly tookS: number
  readonly figures: Figures
}

export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function environment(load: Environment['load']): Environment {
  return { ...host(), load }
}

export function host(): Host {
  const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / GIB),
    kernel: release(),
    node: process.version,
    commit: git('rev-parse', '--short', 'HEAD') + (changed ? '+' : ''),
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim()
}

export function appendResult(file: string, result: RunResult): void {
  mkdirSync(dirname(file), { recursive: true })
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}

/** The runs of the last start of each case, tiny ones left out. */
export function lastResults(file: string): Map<string, RunResult[]> {
  const results = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): RunResult => JSON.parse(line))
    .filter(({ tiny }) => !tiny)
  const byCase = Map.groupBy(results, (result) => result.case)
  return new Map(
    [...byCase].map(([name, all]) => [
      name,
      all.filter(({ startedAt }) => startedAt === all.at(-1)!.startedAt),
    ]),
  )
}

/** By figure; null where a run has none: it lost an event, or was too short. */
export function summarise(runs: readonly RunResult[]): Map<string, Summary | null> {
  const names = Object.keys(runs[0]?.figures ?? {})
  return new Map(names.map((name) => [name, summary(runs.map(({ figures }) => figures[name] ?? null))]))
}

function summary(values: readonly (number | null)[]): Summary | null {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  if (sorted.length < values.length || sorted.length === 0) return null
  return { median: sorted[sorted.length >> 1]!, min: sorted[0]!, max: sorted.at(-1)! }
}

/** CPU seconds of a fixed piece of work. */
export function calibrate(): number {
  const bytes = new Uint8Array(MIB)
  const before = process.cpuUsage()
  let sum = 0
  for (let round = 0; round < 200; round++) {
    for (let at = 0; at < bytes.length; at++) sum = (sum + bytes[at]! * 31 + at) | 0
  }
  const { user, system } = process.cpuUsage(before)
  // The sum is used, so that the loop is not left out.
  return (user + system) / 1e6 + (sum === 0.5 ? 1 : 0)
}
