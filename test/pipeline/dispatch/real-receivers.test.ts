/** Dispatcher and HTTP sink before real receivers with a fault plan: every event, and the time of every request, counts. */
import type { ServerResponse } from 'node:http'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { MemoryLog } from '../../../src/journal/memory-log.ts'
import type { DispatcherConfig } from '../../../src/pipeline/dispatch/dispatcher-options.ts'
import { HttpSink } from '../../../src/sinks/http/index.ts'
import { until } from '../../helpers/until.ts'
import { context, httpConfig } from '../../sinks/fixtures/configs.ts'
import { startReceiver } from '../../sinks/fixtures/receiver.ts'
import { Rig } from './rig.ts'

const EVENTS = 300
const EVENTS_A_FRAME = 20
/** A timer may ring a little early by another clock. */
const CLOCK_MS = 3

interface Came {
  readonly atMs: number
  readonly status: number
  readonly bytes: number
  readonly numbers: readonly number[]
}

/** What is answered to a request: a status, with headers; or done to its connection by itself, as that status. */
interface Plan {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly end?: (response: ServerResponse) => void
}

const TAKEN: Plan = { status: 200 }

const numbersOf = (body: Buffer) => [...body.toString().matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))

class Running {
  readonly came: Came[] = []
  readonly rig: Rig
  readonly #sink: HttpSink
  readonly #close: () => Promise<void>

  private constructor(rig: Rig, sink: HttpSink, close: () => Promise<void>) {
    this.rig = rig
    this.#sink = sink
    this.#close = close
  }

  static async start(
    t: Test,
    plan: (request: Omit<Came, 'status'>, index: number) => Plan,
    config: Partial<DispatcherConfig> = {},
  ): Promise<Running> {
    const receiver = await startReceiver((response, { body }) => {
      const came = { atMs: performance.now(), bytes: body.length, numbers: numbersOf(body) }
      const { status, headers, end } = plan(came, running.came.length)
      running.came.push({ ...came, status })
      if (end !== undefined) end(response)
      else response.writeHead(status, headers).end('said by the server')
    })
    const request = { timeoutMs: 5000, connectTimeoutMs: 5000, concurrency: 4, ...config.request }
    const sink = new HttpSink(httpConfig(receiver.url, { request }), context)
    await sink.start()
    const rig = new Rig(
      {
        batch: { maxBytes: 4096, maxEvents: 30, maxAgeMs: 20 },
        retry: { initialMs: 20, maxMs: 200 },
        breaker: { failures: 5, cooldownMs: 50, maxCooldownMs: 200 },
        ...config,
      },
      { sink, clock: systemClock, random: Math.random },
      32,
      () => new MemoryLog(systemClock),
    )
    const running: Running = new Running(rig, sink, () => receiver.close())
    t.teardown(() => running.#stop())
    for (let n = 1; n <= EVENTS; n += EVENTS_A_FRAME)
      await rig.add(Array.from({ length: EVENTS_A_FRAME }, (_, index) => `{"n":${n + index}}`))
    return running
  }

  async #stop(): Promise<void> {
    await this.rig.dispatcher.stop()
    await this.#sink.stop()
    await this.#close()
  }

  /** Waits until all is settled, and counts: each number taken once, or more often where `atLeastOnce`; the rest dead. */
  async settles(t: Test, dead: readonly number[] = [], atLeastOnce = false): Promise<void> {
    const { rig, came } = this
    await until(() => rig.slabsInUse === 0 && rig.counts.held().every((held) => held === 0))
    const taken = came.filter(({ status }) => status === 200).flatMap(({ numbers }) => numbers)
    const expected = Array.from({ length: EVENTS }, (_, index) => index + 1).filter((n) => !dead.includes(n))
    const found = atLeastOnce ? [...new Set(taken)] : taken
    t.strictSame(
      found.toSorted((a, b) => a - b),
      expected,
      'every event is taken',
    )
    const letters = rig.letters.lines.map(({ record }) => (JSON.parse(record) as { n: number }).n)
    t.strictSame(
      letters.toSorted((a, b) => a - b),
      dead,
      'what is dead is guilty',
    )
    t.strictSame(rig.ledger.imbalances(), [])
  }
}

const reset = (response: ServerResponse) => void response.socket!.destroy()

/** Answers byte by byte. */
const drip = (gapMs: number) => (response: ServerResponse) => {
  let left = 4
  response.writeHead(200, { 'content-length': '4' })
  const timer = setInterval(() => {
    response.write('.')
    if (--left === 0) clearInterval(timer)
  }, gapMs)
  response.on('close', () => clearInterval(timer))
}

t.test('429 with Retry-After, in seconds and as a date', async (t) => {
  for (const retryAfter of ['1', 'date'] as const) {
    let pausedUntilMs = 0
    const running = await Running.start(t, ({ atMs }, index) => {
      if (index !== 2) return TAKEN
      const date = new Date(Date.now() + 1500)
      date.setMilliseconds(0)
      const forMs = retryAfter === 'date' ? date.getTime() - Date.now() : 1000
      pausedUntilMs = atMs + forMs
      const value = retryAfter === 'date' ? date.toUTCString() : retryAfter
      return { status: 429, headers: { 'retry-after': value } }
    })
    await running.settles(t)
    // Those that left before the answer came are on their way.
    const early = running.came.slice(3 + 4).filter(({ atMs }) => atMs < pausedUntilMs - CLOCK_MS)
    t.equal(early.length, 0, `nothing is sent in the pause (${retryAfter})`)
    t.equal(running.came.filter(({ status }) => status === 429).length, 1)
  }
})

t.test('503, now and then', async (t) => {
  const startMs = performance.now()
  const running = await Running.start(
    t,
    ({ atMs }) => (Math.floor((atMs - startMs) / 150) % 2 === 0 ? { status: 503 } : TAKEN),
    { request: { timeoutMs: 5000, concurrency: 'adaptive' } },
  )
  await running.settles(t)
  const refused = running.came.filter(({ status }) => status === 503).length
  t.ok(refused > 0 && refused < 40, `${refused} times refused`)
})

t.test('a connection reset after the body is read', async (t) => {
  const running = await Running.start(t, (_, index) => (index < 6 ? { status: 200, end: reset } : TAKEN))
  await running.settles(t, [], true)
  const twice = running.came.flatMap(({ numbers }) => numbers).length - EVENTS
  t.ok(twice > 0, `${twice} came again`)
})

t.test('413 above a size that was not told', async (t) => {
  const maxBytes = 100
  const running = await Running.start(t, ({ bytes }) => (bytes > maxBytes ? { status: 413 } : TAKEN))
  await running.settles(t)
  const refused = running.came.filter(({ status }) => status === 413).length
  t.ok(refused <= 16, `${refused} of ${running.came.length} were too large: the size is learned`)
})

t.test('400 for some events', async (t) => {
  const isGuilty = (n: number) => n % 50 === 7 || n === EVENTS
  const running = await Running.start(t, ({ numbers }) => (numbers.some(isGuilty) ? { status: 400 } : TAKEN))
  await running.settles(t, [7, 57, 107, 157, 207, 257, EVENTS])
  t.equal(running.rig.dispatcher.waitingForOperator, null)
  t.ok(running.rig.letters.lines.every(({ reason, status }) => status === 400 && reason.includes('said by')))
})

t.test('400 for everything, until it is healed', async (t) => {
  const startMs = performance.now()
  const healedMs = startMs + 700
  const running = await Running.start(t, ({ atMs }) => (atMs < healedMs ? { status: 400 } : TAKEN))
  await running.settles(t)
})

t.test('401, until it is healed', async (t) => {
  const healedMs = performance.now() + 700
  const running = await Running.start(t, ({ atMs }) => (atMs < healedMs ? { status: 401 } : TAKEN))
  await running.settles(t)
  const locked = running.came.filter(({ status }) => status === 401)
  t.ok(locked.length >= 4 && locked.length <= 4 + 5, `${locked.length} requests in 0.7 s, a probe each 0.2 s`)
})

t.test('answers that drip, some too slowly', async (t) => {
  const running = await Running.start(t, (_, index) => ({ status: 200, end: drip(index < 3 ? 200 : 5) }), {
    request: { timeoutMs: 300, concurrency: 4 },
  })
  await running.settles(t, [], true)
})
