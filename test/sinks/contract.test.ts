/** What every sink promises (src/pipeline/sink.ts); a new sink is one line in `cases`. */
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import type { Sink } from '../../src/pipeline/sink.ts'
import { BlackholeSink } from '../../src/sinks/blackhole/index.ts'
import { createSink, payloadForm } from '../../src/sinks/registry.ts'
import { StdoutSink } from '../../src/sinks/stdout/index.ts'
import { NEVER, context, elasticsearchConfig, fileConfig, httpConfig, payloadOf } from './fixtures/configs.ts'
import { startReceiver } from './fixtures/receiver.ts'

/** One sink with its destination. */
interface Rig {
  readonly sink: Sink
  /** Everything that the destination has got. */
  got(): string
  /** From now on nothing that is sent comes to an end by itself; undefined where that can't be. */
  readonly stall?: () => void
  /** Resolves when a send is under way. */
  readonly underWay?: () => Promise<unknown>
  close(): Promise<void>
}

type Test = Pick<typeof t, 'testdir'>
const nothing = async (): Promise<void> => {}

const cases: Record<string, (t: Test) => Promise<Rig>> = {
  http: () => httpRig(),
  elasticsearch: () => elasticsearchRig(),
  file: (t) => fileRig(t.testdir({})),
  stdout: () => stdoutRig(),
  blackhole: async () => ({ sink: new BlackholeSink(), got: () => BATCHES.join(''), close: nothing }),
}

async function httpRig(): Promise<Rig> {
  const receiver = await startReceiver()
  return {
    sink: createSink(httpConfig(receiver.url), context),
    got: () => Buffer.concat(receiver.received.map(({ body }) => body)).toString(),
    stall: () => (receiver.answer = () => {}),
    underWay: () => receiver.came(receiver.received.length + 1),
    close: () => receiver.close(),
  }
}

/** Takes whatever comes for so many events as it has lines. */
async function elasticsearchRig(): Promise<Rig> {
  const receiver = await startReceiver((response, { body }) => {
    const items = body
      .toString()
      .trimEnd()
      .split('\n')
      .map(() => ({ create: { status: 201 } }))
    response.end(JSON.stringify({ items }))
  })
  return {
    sink: createSink(elasticsearchConfig(new URL('/', receiver.url).href), context),
    got: () => Buffer.concat(receiver.received.map(({ body }) => body)).toString(),
    stall: () => (receiver.answer = () => {}),
    underWay: () => receiver.came(receiver.received.length + 1),
    close: () => receiver.close(),
  }
}

async function fileRig(directory: string): Promise<Rig> {
  const path = join(directory, 'archive')
  const { readFileSync } = await import('node:fs')
  return {
    sink: createSink(fileConfig(path), context),
    got: () =>
      readdirSync(path)
        .filter((name) => !name.startsWith('.'))
        .map((name) => readFileSync(join(path, name), 'utf8'))
        .join(''),
    close: nothing,
  }
}

async function stdoutRig(): Promise<Rig> {
  const pipe = new PassThrough({ highWaterMark: 1 })
  const chunks: Buffer[] = []
  pipe.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    sink: new StdoutSink(() => pipe),
    got: () => Buffer.concat(chunks).toString(),
    stall: () => pipe.pause().write('what the reader does not take'),
    underWay: nothing,
    close: nothing,
  }
}

const BATCHES = Array.from({ length: 20 }, (_, n) => `{"n":${n}}\n{"n":"${n}"}\n`)

function openThings(): string[] {
  const resources = process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout|FSReq|Pipe/.test(name))
  const files = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(join('/proc/self/fd', fd))
      return target.startsWith('/') && !target.startsWith('/dev') && !target.startsWith('/proc')
        ? [target]
        : []
    } catch {
      return []
    }
  })
  return [...resources, ...files]
}

/** What is open now and was not before; the test's own side of a connection may need some turns to go. */
async function leftOver(before: readonly string[]): Promise<string[]> {
  let left: string[] = []
  for (let turn = 0; turn < 100; turn++) {
    const known = [...before]
    left = openThings().filter(
      (name) => known.indexOf(name) === -1 || known.splice(known.indexOf(name), 1) === null,
    )
    if (left.length === 0) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  return left
}

for (const [type, makeRig] of Object.entries(cases)) {
  t.test(type, async (t) => {
    t.test('acknowledges what the destination then has', async (t) => {
      const rig = await makeRig(t)
      await rig.sink.start(NEVER)
      for (const batch of BATCHES) {
        const half = batch.indexOf('\n') + 1
        const payload = payloadOf([batch.slice(0, half), batch.slice(half)])
        t.same(await rig.sink.send(payload, NEVER), { kind: 'ack' })
      }
      await rig.sink.stop()
      t.equal(rig.got(), BATCHES.join(''))
      await rig.close()
    })

    t.test('stop before start, and twice', async (t) => {
      const rig = await makeRig(t)
      await rig.sink.stop()
      await rig.sink.start(NEVER)
      await rig.sink.send(payloadOf(['{}\n']), NEVER)
      await Promise.all([rig.sink.stop(), rig.sink.stop()])
      await rig.sink.stop()
      await rig.close()
    })

    t.test('an abort before or during a send resolves it, soon and without an error', async (t) => {
      const rig = await makeRig(t)
      await rig.sink.start(NEVER)
      const early = await rig.sink.send(payloadOf(['{}\n']), AbortSignal.abort())
      t.ok(['ack', 'retry'].includes(early.kind))
      if (rig.stall !== undefined) {
        rig.stall()
        const underWay = rig.underWay!()
        const giveUp = new AbortController()
        const outcome = rig.sink.send(payloadOf(['{}\n']), giveUp.signal)
        await underWay
        giveUp.abort()
        t.equal((await outcome).kind, 'retry')
      }
      await rig.sink.stop()
      await rig.close()
    })

    t.test('stop ends what is under way', async (t) => {
      const rig = await makeRig(t)
      await rig.sink.start(NEVER)
      rig.stall?.()
      const underWay = rig.underWay?.()
      const outcome = rig.sink.send(payloadOf(['{}\n']), NEVER)
      await underWay
      await rig.sink.stop()
      t.equal((await outcome).kind, rig.stall === undefined ? 'ack' : 'retry')
      await rig.close()
    })

    t.test('nothing is left open', async (t) => {
      const before = openThings()
      const rig = await makeRig(t)
      await rig.sink.start(NEVER)
      await Promise.all(BATCHES.slice(0, 4).map((batch) => rig.sink.send(payloadOf([batch]), NEVER)))
      await rig.sink.stop()
      await rig.close()
      t.same(await leftOver(before), [])
    })
  })
}

t.test('the registry tells the form of a sink’s payloads', async (t) => {
  const http = httpConfig('http://127.0.0.1/', { encoding: 'json', compression: 'zstd' })
  t.match(payloadForm(http), { encoding: 'json', compression: 'zstd' })
  t.match(payloadForm(fileConfig('/x', { compression: 'gzip' })), { encoding: 'ndjson', compression: 'gzip' })
})
