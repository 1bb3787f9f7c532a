/**
 * What the dispatcher itself costs (at most 0.02 CPU-seconds for a million events is wanted of `views`): frames that lie ready, batches of 1 MiB, a sink that takes everything at once.
 *
 *     node bench/dispatch.ts [--json FILE] [--runs 9] [--millions 20]
 *
 * `views`: batches go out as views of their frames, as NDJSON does. `limited`: with a rate limit that never has to wait.
 * `items`: each batch is answered item by item, every hundredth event to be sent again.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/base/clock.ts'
import { MIB } from '../src/base/units.ts'
import type { Frame } from '../src/journal/frame.ts'
import { MemoryLog } from '../src/journal/memory-log.ts'
import { Arena } from '../src/memory/arena.ts'
import { HEADER_BYTES, RECORD_LF, recordWord, regionBytes } from '../src/memory/frame-region.ts'
import { SlabPool } from '../src/memory/slab-pool.ts'
import { Dispatcher } from '../src/pipeline/dispatch/dispatcher.ts'
import type { DispatcherConfig } from '../src/pipeline/dispatch/dispatcher-options.ts'
import { SinkCounts } from '../src/pipeline/ledger.ts'
import type { Outcome, Payload, Sink } from '../src/pipeline/sink.ts'
import { host } from './results.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    runs: { type: 'string', default: '9' },
    millions: { type: 'string', default: '20' },
  },
})
const RUNS = Number(options.runs)
const EVENTS = Number(options.millions) * 1e6
const EVENT_BYTES = 370
const FRAMES = 32
const PER_FRAME = Math.floor((MIB - regionBytes(0, 0)) / (EVENT_BYTES + 16))

class TakingSink implements Sink {
  sent = 0
  readonly #answer: (payload: Payload) => Outcome

  constructor(answer: (payload: Payload) => Outcome) {
    this.#answer = answer
  }

  async start(): Promise<void> {}

  send(payload: Payload): Promise<Outcome> {
    this.sent += payload.events
    return Promise.resolve(this.#answer(payload))
  }

  async stop(): Promise<void> {}
}

const ACK: Outcome = { kind: 'ack' }
const cases: Record<string, { config: Partial<DispatcherConfig>; answer: (payload: Payload) => Outcome }> = {
  views: { config: {}, answer: () => ACK },
  limited: { config: { rateLimit: { requestsPerSecond: 1e6, eventsPerSecond: 1e9 } }, answer: () => ACK },
  items: {
    config: { retry: { initialMs: 1, maxMs: 2 } },
    answer: ({ events }) => {
      if (events < 100) return ACK
      const places = Array.from({ length: Math.floor(events / 100) }, (_, place) => place * 100)
      const items = places.map((index) => ({ index, kind: 'retry' as const, reason: 'busy', status: 429 }))
      return { kind: 'partial', items }
    },
  },
}

/** Frames of a slab each, full of events of one length; one that was let go can be committed again. */
function makeFrames(arena: Arena): Frame[] {
  return Array.from({ length: FRAMES }, (_, slab) => {
    const region = arena.slabStart(slab)
    const bytesFrom = region + regionBytes(0, PER_FRAME)
    arena.words.fill(0, region >> 2, (region + HEADER_BYTES) >> 2)
    for (let record = 0; record < PER_FRAME; record++) {
      const word = recordWord(region, 0, record)
      arena.words[word] = (record * EVENT_BYTES) | RECORD_LF
      arena.words[word + 1] = EVENT_BYTES - 1
      arena.words[word + 3] = 0xffff
    }
    return {
      source: 0,
      sourceName: 'push',
      region,
      runs: 0,
      bytesFrom,
      bytesTo: bytesFrom + PER_FRAME * EVENT_BYTES,
      records: PER_FRAME,
      fast: 0,
      breaks: 0,
      firstTimeMs: 0,
      lastTimeMs: 0,
      receivedAtMs: 0,
      routed: null,
      meantFor: null,
      slab,
      readBack: false,
      committedAtMs: 0,
      originSequence: 0,
      position: { segment: 0, offset: 0, sequence: 0 },
      holders: 0,
      release: () => {},
    }
  })
}

const never = () => Promise.reject(new Error('nothing is encoded'))

/** CPU seconds for each million of events. */
async function measure({ config, answer }: (typeof cases)[string]): Promise<number> {
  const arena = Arena.create((FRAMES + 2) * MIB, MIB)
  const pool = new SlabPool(FRAMES + 2)
  pool.addOwner('frames', FRAMES, 0)
  const log = new MemoryLog(systemClock)
  const sink = new TakingSink(answer)
  const counts = new SinkCounts('siem', [0])
  const dispatcher = new Dispatcher({
    name: 'siem',
    sink,
    log,
    inputs: [0],
    filterIndex: -1,
    config: {
      encoding: 'ndjson',
      compression: 'none',
      batch: { maxBytes: MIB, maxEvents: 1e6, maxAgeMs: 0 },
      retry: { initialMs: 1000, maxMs: 30_000 },
      breaker: { failures: 5, cooldownMs: 1000, maxCooldownMs: 60_000 },
      order: 'none',
      request: { timeoutMs: 15_000, concurrency: 4 },
      maxRecordBytes: EVENT_BYTES,
      ...config,
    },
    counts,
    pool,
    owner: pool.addOwner('siem', 2, 0),
    arena,
    encoder: { encode: never },
    grouper: { group: never },
    deadLetters: { healthy: true, write: never },
    clock: systemClock,
    random: Math.random,
  })
  dispatcher.start()
  const frames = makeFrames(arena)
  const free = [...frames.keys()]
  for (const [index, frame] of frames.entries()) frame.release = () => void free.push(index)
  const delivered = () => counts.delivered[0]!
  const before = process.cpuUsage()
  let committed = 0
  while (delivered() < EVENTS) {
    while (committed < EVENTS && free.length > 0) {
      const frame = frames[free.pop()!]!
      frame.holders = 0
      log.append({ frame, committed: () => {} })
      committed += PER_FRAME
    }
    // oxlint-disable-next-line no-await-in-loop -- what was committed goes out meanwhile
    await new Promise(setImmediate)
  }
  const { user, system } = process.cpuUsage(before)
  await dispatcher.stop()
  return (user + system) / delivered()
}

const figuresOf: Record<string, number[]> = {}
// The first round warms up.
for (let run = 0; run <= RUNS; run++)
  for (const [name, one] of Object.entries(cases)) {
    // oxlint-disable-next-line no-await-in-loop -- one after another, in turns
    const figure = await measure(one)
    if (run > 0) (figuresOf[name] ??= []).push(figure)
  }
const results = Object.entries(figuresOf).map(([name, figures]) => {
  const sorted = figures.toSorted((a, b) => a - b)
  const cpuSecondsPerMillion = {
    median: sorted[sorted.length >> 1]!,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  }
  return { case: name, cpuSecondsPerMillion }
})
for (const {
  case: name,
  cpuSecondsPerMillion: { median, min, max },
} of results)
  console.log(`${name.padEnd(8)} ${median.toFixed(4)} CPU-s/M [${min.toFixed(4)}-${max.toFixed(4)}]`)
if (options.json !== undefined)
  writeFileSync(
    options.json,
    JSON.stringify({ bench: 'dispatch', environment: host(), results }, null, 2) + '\n',
  )
