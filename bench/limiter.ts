/**
 * What limits by key cost: a decision of the limiter, and a batch cut of what waits, with many tenants.
 *
 *     node bench/limiter.ts [--json FILE] [--runs 9] [--keys 10000]
 *
 * A decision asks how long a request of a key must wait, and takes what it costs when it may go; keys come in no order. A
 * batch is one of a few events of one key, from when its moment comes until it has paid. Target: 1 µs and 64 MiB at 10,000.
 * Time is CPU time of this thread.
 */
import { writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MIB } from '../src/base/units.ts'
import { BULK } from '../src/journal/log.ts'
import type { Frame } from '../src/journal/frame.ts'
import type { LogReader, Taken } from '../src/journal/log.ts'
import { Arena } from '../src/memory/arena.ts'
import { LANES_BOTH, RECORD_LF, recordWord } from '../src/memory/frame-region.ts'
import { KeyedCutter } from '../src/pipeline/dispatch/keyed-cutter.ts'
import { Limiter } from '../src/pipeline/dispatch/limits/limiter.ts'
import { RecordWalk } from '../src/pipeline/dispatch/record-walk.ts'
import { host } from './results.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    runs: { type: 'string', default: '9' },
    keys: { type: 'string', default: '10000' },
  },
})
const KEYS = Number(options.keys)
const DECISIONS = 1_000_000
/** In GROUPS_AT_ONCE_MAX frames, of which each has one event of every key. */
const EVENTS_PER_KEY = 4
const EVENT_BYTES = 370
const COST = { events: 100, bytes: 100 * EVENT_BYTES }

v8.setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const names = Array.from({ length: KEYS }, (_, index) => `tenant-${index.toString(36).padStart(12, '0')}`)

interface Case {
  /** Decisions that `run` makes. */
  readonly decisions: number
  /** What goes before each run and isn't measured. */
  readonly prepare?: () => Promise<void>
  readonly run: () => void
}

const cases: Record<string, () => Case> = {
  'limiter: requests, events and bytes': () => limiterCase('token_bucket', KEYS),
  'limiter: leaky buckets': () => limiterCase('leaky_bucket', KEYS),
  'limiter: half of the keys share': () => limiterCase('token_bucket', KEYS / 2),
  'keyed cutter: batches of what waits': cutterCase,
}

function makeLimiter(
  algorithm: 'token_bucket' | 'leaky_bucket',
  maxKeys: number,
  requestsPerSecond = 10,
): Limiter {
  const rates = { requestsPerSecond, eventsPerSecond: 1000, bytesPerSecond: MIB }
  return new Limiter({ ...rates, algorithm, per: { field: 'tenant', maxKeys } }, 0)
}

function limiterCase(algorithm: 'token_bucket' | 'leaky_bucket', maxKeys: number): Case {
  const limiter = makeLimiter(algorithm, maxKeys)
  const asked = Array.from({ length: 4 * KEYS }, (_, index) => names[(index * 7919) % KEYS]!)
  let nowMs = 0
  const run = (): void => {
    for (let decision = 0; decision < DECISIONS; decision++) {
      const key = asked[decision % asked.length]!
      nowMs += 0.01
      if (limiter.waitMs(key, COST, nowMs) === 0) limiter.take(key, COST, nowMs)
    }
  }
  return { decisions: DECISIONS, run }
}

/** A log of frames in which every key has one event, in memory. */
class TenantLog implements LogReader {
  readonly arena = Arena.create(16 * MIB, 16 * MIB)
  readonly backlogBytes = 0
  readonly waiting = 0
  readonly #waiting: Taken[] = []

  add(): void {
    const frame = this.#frame()
    const ranges = [{ first: 0, end: KEYS }]
    this.#waiting.push({
      frame,
      lanes: LANES_BOTH,
      routeBit: 0,
      ranges,
      events: KEYS,
      fast: 0,
      unsettled: KEYS,
    })
  }

  takeBulk(): Taken | null {
    return this.#waiting.shift() ?? null
  }

  takeFast(): null {
    return null
  }

  settle(): void {}

  get caughtUp(): boolean {
    return this.#waiting.length === 0
  }

  held(): readonly [number, number] {
    return [0, 0]
  }

  /** All frames are this one. */
  #frame(): Frame {
    const region = 8 * MIB
    for (let record = 0; record < KEYS; record++) {
      const word = recordWord(region, 0, record)
      this.arena.words[word] = (record * EVENT_BYTES) | RECORD_LF
      this.arena.words[word + 1] = EVENT_BYTES - 1
    }
    const position = { segment: 0, offset: 0, sequence: 1 }
    const made = { source: 0, sourceName: 'push', region, runs: 0, bytesFrom: 0, bytesTo: KEYS * EVENT_BYTES }
    const counts = { records: KEYS, fast: 0, breaks: 0, firstTimeMs: 0, lastTimeMs: 0, receivedAtMs: 0 }
    const place = { routed: null, slab: 0, readBack: false, committedAtMs: 0, meantFor: null }
    return {
      ...made,
      ...counts,
      ...place,
      originSequence: 1,
      position,
      holders: 1,
      release: () => {},
    }
  }
}

function cutterCase(): Case {
  const log = new TenantLog()
  const limiter = makeLimiter('token_bucket', KEYS, 1)
  const groups = names.map((key, index) => ({ key, pick: Uint16Array.of(index) }))
  const { words } = log.arena
  let nowMs = 0
  const cutter = new KeyedCutter({
    reader: log,
    keyOf: 'field',
    group: async () => groups,
    limiter,
    words,
    walk: new RecordWalk(words, true),
    encoding: 'ndjson',
    maxBytes: MIB,
    maxEvents: 1000,
    maxAgeMs: 0,
    mayCut: () => true,
    inOrder: false,
    onGrouped: () => {},
    onGroupFailure: (error) => {
      throw error
    },
    nowMs,
  })
  return {
    decisions: KEYS,
    /** Every key has a batch that waits for its limit. */
    async prepare() {
      for (let frame = 0; frame < EVENTS_PER_KEY; frame++) log.add()
      if (cutter.take(BULK, nowMs, false) !== null) throw new Error('frames must be told apart first')
      await setImmediate()
      if (cutter.take(BULK, nowMs, false) !== null) throw new Error('no key has anything left to spend')
      if (cutter.waitingKeys !== KEYS) throw new Error(`${cutter.waitingKeys} of ${KEYS} keys wait`)
      nowMs += 1000
    },
    run() {
      let batches = 0
      for (
        let batch = cutter.take(BULK, nowMs, false);
        batch !== null;
        batch = cutter.take(BULK, nowMs, false)
      ) {
        limiter.take(batch.key, batch, nowMs)
        batches++
      }
      cutter.look(nowMs)
      if (batches !== KEYS) throw new Error(`${batches} batches of ${KEYS} keys`)
    },
  }
}

interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

interface Result {
  readonly case: string
  readonly keys: number
  readonly nanosecondsPerDecision: Spread
  /** Heap and buffers while all keys are there. */
  readonly mebibytes: number
}

function memoryBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function measure(name: string): Promise<Result> {
  const bytesBefore = memoryBytes()
  const { decisions, prepare, run } = cases[name]!()
  const nanoseconds: number[] = []
  let mebibytes = 0
  for (let index = -2; index < Number(options.runs); index++) {
    // oxlint-disable-next-line no-await-in-loop -- one run after another
    await prepare?.()
    if (index === 0) mebibytes = (memoryBytes() - bytesBefore) / MIB
    const before = process.threadCpuUsage()
    run()
    const { user, system } = process.threadCpuUsage(before)
    if (index >= 0) nanoseconds.push(((user + system) * 1000) / decisions)
  }
  const sorted = nanoseconds.toSorted((a, b) => a - b).map(Math.round)
  return {
    case: name,
    keys: KEYS,
    nanosecondsPerDecision: { median: sorted[sorted.length >> 1]!, min: sorted[0]!, max: sorted.at(-1)! },
    mebibytes: Number(mebibytes.toFixed(1)),
  }
}

const results: Result[] = []
for (const name of Object.keys(cases)) {
  // oxlint-disable-next-line no-await-in-loop
  results.push(await measure(name))
}
console.table(
  results.map(({ case: name, keys, nanosecondsPerDecision: { median, min, max }, mebibytes }) => ({
    case: `${name} (${keys} keys)`,
    'ns/decision': median,
    'min-max': `${min}-${max}`,
    MiB: mebibytes,
  })),
)
if (options.json !== undefined) {
  writeFileSync(
    options.json,
    JSON.stringify({ bench: 'limiter', environment: host(), results }, null, 2) + '\n',
  )
}
