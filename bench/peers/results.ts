/** Results on disk: a line of JSON for each run of a peer, and of Spillway beside it. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Figures } from '../bench-case.ts'
import type { Environment } from '../results.ts'
import type { Mode } from './contestant.ts'

export const PEERS_FILE = fileURLToPath(new URL('../results/peers.jsonl', import.meta.url))

export interface PeerResult {
  readonly case: string
  /** Of the benchmark that the run belongs to, ISO 8601. */
  readonly startedAt: string
  readonly round: number
  readonly tiny: boolean
  readonly program: string
  readonly version: string
  readonly environment: Environment
  /** Why there are no figures. */
  readonly error?: string
  readonly figures: Figures
}

export const spillwayName = (mode: Mode): string =>
  mode === 'disk' ? 'spillway, durable' : 'spillway, memory'

/** One of Spillway. */
export interface OwnRun {
  readonly mode: Mode
  readonly figures: Figures
}

/** What a run of a peer cost, by what those of Spillway right before and behind it did. */
export function ratios({ cpu_s_per_million: cost = null }: Figures, beside: readonly OwnRun[]): Figures {
  const times = (wanted: Mode) => {
    const own = beside.find(({ mode }) => mode === wanted)?.figures.cpu_s_per_million ?? null
    return cost === null || own === null ? null : cost / own
  }
  return { times_durable: times('disk'), times_memory: times('memory') }
}

export function appendPeerResult(file: string, result: PeerResult): void {
  mkdirSync(dirname(file), { recursive: true })
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}

/** Tiny runs left out. */
export function readPeerResults(file: string): PeerResult[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): PeerResult => JSON.parse(line))
    .filter(({ tiny }) => !tiny)
}
