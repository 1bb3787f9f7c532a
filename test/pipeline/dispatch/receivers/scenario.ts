import type { DispatcherConfig } from '../../../../src/pipeline/dispatch/dispatcher-options.ts'
import type { RateLimit } from '../../../../src/pipeline/dispatch/limits/limiter.ts'
import type { Dice } from '../../../journal/simulation/dice.ts'
import { SOURCES } from '../made-frames.ts'
import type { MadeRecord } from '../made-frames.ts'
import { TROUBLES } from './receiver.ts'
import type { ReceiverNature, Trouble, TroubledTime } from './receiver.ts'

export const MAX_RECORD_BYTES = 700
/** Bit of the route mask that is the sink's `where`, where it has one. */
export const ROUTE = 3
const FRAME_TEXT_MAX = 6500

export type Ending = 'heal' | 'drain' | 'drain to log' | 'halt'

/** What comes in at a time. */
export interface Commit {
  readonly atMs: number
  readonly source: number
  readonly records: readonly MadeRecord[]
}

export interface Scenario {
  readonly config: DispatcherConfig
  readonly nature: ReceiverNature
  readonly hasHealthPage: boolean
  readonly filterIndex: number
  readonly slabs: number
  /** The log has the ways of one on disk, and runs so many frames ahead; null: it is one in memory. */
  readonly lookaheadFrames: number | null
  readonly slowTasks: boolean
  readonly failingTasks: boolean
  readonly commits: readonly Commit[]
  readonly ending: Ending
  /** When the ending begins, where that is not healing. */
  readonly endsAtMs: number
  readonly tenants: number
}

export function makeScenario(dice: Dice): Scenario {
  const config = makeConfig(dice)
  const durationMs = 500 + dice.below(dice.chance(0.3) ? 60_000 : 8000)
  const isPatchy = dice.chance(0.5)
  const filterIndex = dice.chance(0.3) ? ROUTE : -1
  const tenants = 1 + dice.below(dice.chance(0.2) ? 12 : 4)
  const endings: Ending[] = isPatchy ? ['halt', 'drain to log'] : ['drain', 'halt']
  return {
    config,
    nature: makeNature(dice, durationMs),
    hasHealthPage: dice.chance(0.25),
    filterIndex,
    slabs: 8 + dice.below(dice.chance(0.5) ? 4 : 24),
    lookaheadFrames: isPatchy ? (dice.chance(0.6) ? 3 + dice.below(6) : Infinity) : null,
    slowTasks: dice.chance(0.4),
    failingTasks: dice.chance(0.2),
    commits: makeCommits(dice, durationMs, filterIndex, tenants),
    ending: dice.chance(0.75) ? 'heal' : dice.oneOf(endings),
    endsAtMs: dice.below(durationMs + 2000),
    tenants,
  }
}

function makeNature(dice: Dice, durationMs: number): ReceiverNature {
  const troubles: TroubledTime[] = []
  let atMs = dice.chance(0.3) ? 0 : dice.below(durationMs / 2)
  const kinds: Trouble[] = [...TROUBLES]
  for (let left = dice.below(4); left > 0; left--) {
    const trouble = dice.oneOf(kinds)
    // What is accepted in between is what makes refusals believed: once a life is what can be told from guilt.
    if (trouble === 'refusing') kinds.splice(kinds.indexOf(trouble), 1)
    const untilMs = atMs + 100 + dice.below(dice.chance(0.2) ? 120_000 : durationMs)
    troubles.push({ trouble, fromMs: atMs, untilMs, says: dice.chance(0.5) })
    atMs = untilMs + (dice.chance(0.5) ? 0 : dice.below(2000))
  }
  return {
    latencyMs: 1 + dice.below(dice.chance(0.3) ? 800 : 60),
    jitter: dice.chance(0.5) ? dice.random() : 0,
    scale: dice.chance(0.2) ? dice.random() : 0,
    cap: dice.chance(0.3)
      ? { perSecond: 1 + dice.below(40), burst: 1 + dice.below(10), says: dice.chance(0.5) }
      : null,
    guiltyEach: dice.chance(0.3) ? 3 + dice.below(40) : 0,
    byItem: dice.chance(0.4),
    bodyBytesMax: dice.chance(0.15) ? 300 + dice.below(3000) : Infinity,
    troubles,
  }
}

function makeCommits(dice: Dice, durationMs: number, filterIndex: number, tenants: number): Commit[] {
  const commits: Commit[] = []
  let nextId = 1
  const selective = dice.random()
  const fastShare = dice.chance(0.5) ? 0 : dice.random() * 0.6
  const frames = 2 + dice.below(dice.chance(0.3) ? 60 : 20)
  for (let made = 0; made < frames; made++) {
    const wanted = 1 + dice.below(dice.chance(0.3) ? 80 : 12)
    const records: MadeRecord[] = []
    let bytes = 0
    while (records.length < wanted && bytes < FRAME_TEXT_MAX) {
      const pad = 'x'.repeat(dice.below(dice.chance(0.05) ? 500 : 40))
      const text = textOf(nextId++, dice.below(tenants), pad)
      bytes += text.length + 40
      records.push({
        text,
        fast: dice.chance(fastShare),
        routes: filterIndex === -1 || dice.chance(selective) ? 0xffff : 0xffff & ~(1 << ROUTE),
        ...(dice.chance(0.1) ? { gap: 'rejected\n' } : {}),
        ...(dice.chance(0.1) ? { behind: '\r\n' } : {}),
      })
    }
    commits.push({ atMs: dice.below(durationMs), source: dice.below(SOURCES.length), records })
  }
  return commits.toSorted((left, right) => left.atMs - right.atMs)
}

export function textOf(id: number, tenant: number, pad = ''): string {
  return JSON.stringify({ id, tenant: `t${tenant}`, pad })
}

function makeConfig(dice: Dice): DispatcherConfig {
  const encoding = dice.chance(0.6) ? 'ndjson' : dice.oneOf(['json', 'bulk'] as const)
  const compression = dice.chance(0.6) ? 'none' : dice.oneOf(['gzip', 'zstd', 'auto', 'auto'] as const)
  const order = dice.chance(0.2) ? 'per_source' : 'none'
  const cooldownMs = 1 + dice.below(dice.chance(0.3) ? 5000 : 600)
  const initialMs = 1 + dice.below(dice.chance(0.3) ? 2000 : 200)
  return {
    encoding,
    compression,
    order,
    eventIdField: encoding !== 'bulk' && dice.chance(0.2) ? 'event_id' : null,
    rateLimit: makeRateLimit(dice, order === 'per_source'),
    batch: {
      maxBytes: 64 + dice.below(dice.chance(0.5) ? 4000 : 400),
      maxEvents: 1 + dice.below(dice.chance(0.7) ? 100 : 4),
      maxAgeMs: dice.below(2000),
    },
    breaker: {
      failures: 1 + dice.below(6),
      cooldownMs,
      maxCooldownMs: cooldownMs + dice.below(dice.chance(0.2) ? 60_000 : 3000),
    },
    retry: {
      initialMs,
      maxMs: initialMs + dice.below(dice.chance(0.2) ? 30_000 : 3000),
      ...(dice.chance(0.1) ? { maxAgeMs: 1000 + dice.below(30_000) } : {}),
    },
    request: {
      timeoutMs: 1000 + dice.below(10_000),
      concurrency: dice.chance(0.5) ? 'adaptive' : 1 + dice.below(6),
    },
    ...(dice.chance(0.2) ? { inFlightBytesMax: 1000 + dice.below(8000) } : {}),
    maxRecordBytes: MAX_RECORD_BYTES,
  }
}

function makeRateLimit(dice: Dice, inOrder: boolean): RateLimit {
  if (dice.chance(0.35)) return {}
  const requestsPerSecond = 0.3 + dice.random() * (dice.chance(0.5) ? 5 : 50)
  const limits = {
    ...(dice.chance(0.5) ? { requestsPerSecond } : {}),
    ...(dice.chance(0.3) ? { burst: 1 + dice.below(10) } : {}),
    ...(dice.chance(0.3) ? { eventsPerSecond: 2 + dice.random() * 200 } : {}),
    ...(dice.chance(0.3) ? { bytesPerSecond: 300 + dice.below(20_000) } : {}),
    algorithm: dice.chance(0.7) ? ('token_bucket' as const) : ('leaky_bucket' as const),
  }
  const ways = inOrder ? (['sink', 'source'] as const) : (['sink', 'source', 'field', 'field'] as const)
  const way = dice.oneOf(ways)
  return { ...limits, per: way === 'field' ? { field: 'tenant', maxKeys: 1 + dice.below(8) } : way }
}
