import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import type { Collector } from '../../src/app/collector.ts'
import { nodeFileIo } from '../../src/base/file-io.ts'
import type { FileIo } from '../../src/base/file-io.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { socEvent } from '../helpers/soc-event.ts'
import { until } from '../helpers/until.ts'

const events = (count: number) => Array.from({ length: count }, (_, n) => socEvent(n, n % 11))

async function post(collector: Collector, lines: readonly string[], signal?: AbortSignal) {
  const answer = await request(`http://${collector.address('push')}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
    ...(signal === undefined ? undefined : { signal }),
  })
  return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as object }
}

async function ready(collector: Collector): Promise<number> {
  const answer = await request(`http://${collector.admin.address}/health/ready`)
  await answer.body.dump()
  return answer.statusCode
}

t.test('while the dead letters cannot be stored nothing is taken, and it heals by itself', async (t) => {
  let broken = false
  const io: FileIo = {
    ...nodeFileIo,
    async open(path, how) {
      const file = await nodeFileIo.open(path, how)
      return {
        writev: (views, position) => file.writev(views, position),
        read: (into, position) => file.read(into, position),
        truncate: (bytes) => file.truncate(bytes),
        bytes: () => file.bytes(),
        close: () => file.close(),
        async datasync() {
          if (broken) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
          await file.datasync()
        },
      }
    },
  }
  const receiver = await Receiver.start(t)
  const collector = await startCollector(
    t,
    `
data_dir: ./data
sources:
  push: { type: http, listen: 127.0.0.1:0 }
  lines: { type: tcp, listen: 127.0.0.1:0 }
sinks: { siem: { type: http, url: '${receiver.url}', batch: { max_age: 10ms } } }`,
    { deadLetterIo: io },
  )
  t.equal(await ready(collector), 200)
  broken = true
  const waiting = post(collector, [socEvent(0), '{"bad":1}', socEvent(1)])
  await until(() => collector.notReady().some(({ component }) => component === 'dlq'))
  await until(() => collector.topology.sources.every(({ intake }) => intake.full))
  t.equal(await ready(collector), 503)
  const refused = await post(collector, [socEvent(2)])
  t.equal(refused.status, 503)
  t.ok(Number(refused.headers['retry-after']) >= 1)
  const socket = connect(Number(collector.address('lines').split(':')[1]), '127.0.0.1')
  socket.write(`${socEvent(3)}\n`)
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.equal(collector.ledger.sources[1]!.received, 0, 'TCP is not read')
  broken = false
  const answer = await waiting
  t.match(answer, { status: 200, body: { accepted: 2, rejected: 1 } }, 'the answer waited for the disk')
  t.equal(collector.ledger.dlq.queued, 1)
  await until(() => collector.ledger.sources[1]!.received === 1)
  t.equal(await ready(collector), 200)
  t.equal((await post(collector, [socEvent(4)])).status, 200)
  await receiver.received(4)
  socket.destroy()
})

t.test('a receiver that never answers: refusals with Retry-After, nothing lost once it does', async (t) => {
  const receiver = await Receiver.start(t)
  const opened = Promise.withResolvers<number>()
  receiver.answer = () => opened.promise
  const collector = await startCollector(
    t,
    `
data_dir: ./data
memory: { slab_bytes: 128KiB, arena_bytes: 2MiB }
sources: { push: { type: http, listen: 127.0.0.1:0, max_record_bytes: 16KiB } }
sinks: { siem: { type: http, url: '${receiver.url}', batch: { max_age: 10ms, max_bytes: 32KiB }, request: { timeout: 60s, concurrency: 2 } } }`,
  )
  const sent: string[] = []
  const waiting: Promise<void>[] = []
  const refused: Awaited<ReturnType<typeof post>>[] = []
  const push = async (lines: readonly string[]) => {
    const answer = await post(collector, lines)
    if (answer.status === 200) sent.push(...lines)
    else refused.push(answer)
  }
  for (let round = 0; refused.length < 3 && round < 200; round++) {
    const answered = push(Array.from({ length: 100 }, (_, n) => socEvent(round * 100 + n)))
    waiting.push(answered)
    // The one that finds the arena full when it is in already waits.
    await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 300))])
  }
  t.equal(refused.length, 3)
  for (const { status, headers } of refused) {
    t.ok(status === 503 || status === 429, `refused with ${status}`)
    t.ok(Number(headers['retry-after']) >= 1)
  }
  t.equal(await ready(collector), 200, 'a dead sink is no reason not to be ready')
  t.ok(sent.length > 1000)
  opened.resolve(200)
  await Promise.all(waiting)
  const received = await receiver.received(sent.length)
  t.same(received.toSorted(), sent.toSorted())
  await until(() => !collector.topology.sources[0]!.intake.full)
  t.equal((await post(collector, [socEvent(-1)])).status, 200)
})

t.test(
  'several sinks: inputs and where decide who gets what, each event settled once per sink',
  async (t) => {
    const all = await Receiver.start(t)
    const high = await Receiver.start(t)
    const pushed = await Receiver.start(t)
    const collector = await startCollector(
      t,
      `
data_dir: ./data
sources:
  push: { type: http, listen: 127.0.0.1:0 }
  lines: { type: tcp, listen: 127.0.0.1:0 }
sinks:
  all: { type: http, url: '${all.url}', batch: { max_age: 10ms }, request: { concurrency: 1 } }
  high: { type: http, url: '${high.url}', where: { severity: { gte: 9 } }, batch: { max_age: 10ms }, encoding: json }
  odd: { type: blackhole, where: { n: { in: [1, 3, 5] } } }
  pushed: { type: http, url: '${pushed.url}', inputs: [push], batch: { max_age: 10ms }, request: { concurrency: 1 } }`,
    )
    const lines = events(1000)
    t.match(await post(collector, lines), { status: 200, body: { accepted: 1000, rejected: 0 } })
    const socket = connect(Number(collector.address('lines').split(':')[1]), '127.0.0.1')
    socket.end(`${lines.join('\n')}\n`)
    t.equal((await all.received(2000)).length, 2000)
    t.same(await pushed.received(1000), lines)
    const wanted = lines.filter((_, n) => n % 11 >= 9)
    await until(() => collector.ledger.sinks[1]!.delivered[1] === wanted.length * 2)
    const arrays = high.lines.flatMap((line) => JSON.parse(line) as object[])
    t.same(arrays.map((item) => JSON.stringify(item)).toSorted(), [...wanted, ...wanted].toSorted())
    const { sinks } = collector.ledger
    t.equal(sinks[1]!.filtered, 2000 - wanted.length * 2)
    t.equal(sinks[2]!.offered[0]! + sinks[2]!.offered[1]!, 6)
    t.same(collector.ledger.imbalances(), [])
  },
)

t.test('what is held when the time to stop is over becomes dead letters', async (t) => {
  const directory = temporaryDirectory(t)
  const collector = await startCollector(
    t,
    `
data_dir: ./data
shutdown_timeout: 300ms
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { siem: { type: http, url: 'http://siem.invalid/', batch: { max_age: 10ms } } }`,
    { directory },
  )
  t.match(await post(collector, events(100)), { status: 200, body: { accepted: 100 } })
  const report = await collector.stop()
  t.same(report, { delivered: 0, undelivered: 100, kept: 0, held: 0, uncommittedBytes: 0 })
  t.equal(collector.ledger.dlq.queued, 100)
  t.equal(collector.ledger.sinks[0]!.deadLettered.get('undelivered'), 100)
})

t.test('a stop ends even if the dead letters can never be stored, and says what is lost', async (t) => {
  let broken = false
  const io: FileIo = {
    ...nodeFileIo,
    open: async (path, how) => {
      if (broken) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      return nodeFileIo.open(path, how)
    },
  }
  const collector = await startCollector(
    t,
    `
data_dir: ./data
shutdown_timeout: 300ms
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { siem: { type: http, url: 'http://siem.invalid/', batch: { max_age: 10ms } } }`,
    { deadLetterIo: io, unfinished: true },
  )
  t.match(await post(collector, events(100)), { status: 200, body: { accepted: 100 } })
  broken = true
  t.same(await collector.stop(), { delivered: 0, undelivered: 0, kept: 0, held: 100, uncommittedBytes: 0 })
  t.equal(collector.ledger.dlq.queued, 0)
})

t.test("a user's schema: hostile names and patterns do no harm", async (t) => {
  const directory = temporaryDirectory(t)
  const name = '`"\'}]; throw 1; //\u2028${process.exit(7)}'
  const schema = {
    type: 'object',
    properties: {
      [name]: { type: 'integer' },
      constructor: { type: 'string' },
      p: { type: 'string', pattern: '^(a+)+$' },
    },
    required: [name],
  }
  writeFileSync(join(directory, 'hostile.json'), JSON.stringify(schema))
  const receiver = await Receiver.start(t)
  const collector = await startCollector(
    t,
    `
data_dir: ./data
schemas: { hostile: { file: ./hostile.json } }
sources: { push: { type: http, listen: 127.0.0.1:0, schema: hostile } }
sinks: { siem: { type: http, url: '${receiver.url}', batch: { max_age: 10ms } } }`,
    { directory },
  )
  const good = [{ [name]: 1 }, { [name]: 2, p: 'aaaa' }].map((item) => JSON.stringify(item))
  const bad: object[] = [
    {},
    { [name]: 'x' },
    { [name]: 1, constructor: 5 },
    { [name]: 1, p: `${'a'.repeat(50_000)}b` },
  ]
  const before = performance.now()
  const answer = await post(collector, [...good, ...bad.map((item) => JSON.stringify(item))])
  t.match(answer, { status: 200, body: { accepted: 2, rejected: 4 } })
  t.ok(performance.now() - before < 5000, 'the pattern does not backtrack')
  t.same(await receiver.received(2), good)
})
