/**
 * What every source promises (src/pipeline/source.ts); a new source is one line in `cases`. Those that don't listen have
 * nobody to connect to them, and keep it in tests of their own, such as test/sources/http_poll.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import t from 'tap'
import { Collector } from '../../src/app/collector.ts'
import { parseConfig } from '../../src/app/config/load.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { socEvent } from '../helpers/soc-event.ts'
import { until } from '../helpers/until.ts'

interface Case {
  /** Configuration of the source, but for its address. */
  readonly config: string
  /** The beginning of what a client sends on a new connection, then whole lines, then the beginning of one. */
  readonly head: (bodyBytes: number) => string
  /** What the client hears of before it may close: an answer, where the source gives one. */
  readonly answers: boolean
  /** For a source that decodes, and so refuses none: what of an event was sent. */
  readonly sent?: (event: string) => string
}

const cases: Record<string, Case> = {
  http: {
    config: 'type: http',
    head: (bodyBytes) =>
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${bodyBytes}\r\n\r\n`,
    answers: true,
  },
  tcp: { config: 'type: tcp', head: () => '', answers: false },
  syslog: {
    config: 'type: syslog',
    head: () => '',
    answers: false,
    sent: (event) => (JSON.parse(event) as { raw_payload: { message: string } }).raw_payload.message,
  },
}

const event = (n: number) => `${socEvent(n)}\n`
const BAD = '{"severity":"none"}\n'

const collectorText = (source: string, sink: string, listen = '127.0.0.1:0') => `
data_dir: ./data
memory: { slab_bytes: 128KiB, arena_bytes: 2MiB }
shutdown_timeout: 2s
sources: { door: { ${source}, listen: '${listen}', max_record_bytes: 32KiB } }
sinks: { siem: { ${sink}, batch: { max_age: 10ms, max_bytes: 64KiB }, request: { concurrency: 1 } } }`

const plain = async (text: string, directory: string) => {
  const host = { env: {}, cwd: directory, cores: 2 }
  const { config } = parseConfig(`${text}\nadmin: { listen: 127.0.0.1:0 }`, 'test.yaml', directory, host)
  return new Collector(config, { logger: createLogger({ level: 'silent' }) })
}

function portOf(collector: Collector): number {
  return Number(collector.address('door').split(':').at(-1))
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject)
  })
}

async function send({ head, answers }: Case, port: number, body: string): Promise<string> {
  const socket = await open(port)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text
    if (answers && answer.includes('}')) socket.end()
  })
  socket.write(head(body.length) + body)
  if (!answers) socket.end()
  await new Promise((resolve) => socket.on('close', resolve))
  return answer
}

const listeners = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length

for (const [type, kind] of Object.entries(cases)) {
  const original = kind.sent ?? ((received: string) => received)
  t.test(type, async (t) => {
    await t.test('may be stopped before it was started, and twice', async (t) => {
      const collector = await plain(collectorText(kind.config, 'type: blackhole'), temporaryDirectory(t))
      const { door } = collector.topology.sources[0]!
      await Promise.all([door.stop(), door.stop()])
      await door.stop()
      await collector.stop()
    })

    await t.test('an address in use is an error that names the key', async (t) => {
      const first = await startCollector(t, collectorText(kind.config, 'type: blackhole'))
      const text = collectorText(kind.config, 'type: blackhole', first.address('door'))
      const second = await plain(text, temporaryDirectory(t))
      await t.rejects(second.start(), {
        code: 'SPW_ERR_LISTEN_IN_USE',
        details: { key: 'sources.door.listen' },
      })
    })

    await t.test('good events arrive in order, bad ones are dead letters, all are counted', async (t) => {
      const receiver = await Receiver.start(t)
      const collector = await startCollector(
        t,
        collectorText(kind.config, `type: http, url: '${receiver.url}'`),
      )
      const lines = Array.from({ length: 500 }, (_, n) => event(n))
      const answer = await send(
        kind,
        portOf(collector),
        [...lines.slice(0, 250), BAD, ...lines.slice(250)].join(''),
      )
      if (kind.answers) t.match(answer, '"accepted":500,"rejected":1')
      const rejectedTotal = kind.sent === undefined ? 1 : 0
      const received = await receiver.received(501 - rejectedTotal)
      t.same(
        received.map(original).filter((line) => line !== BAD.trimEnd()),
        lines.map((line) => line.trimEnd()),
      )
      const [counts] = collector.ledger.sources
      t.match(counts, { received: 501, accepted: 501 - rejectedTotal, rejectedTotal })
    })

    await t.test('a full arena is waited for, and nothing is lost', async (t) => {
      const receiver = await Receiver.start(t)
      const opened = Promise.withResolvers<number>()
      receiver.answer = () => opened.promise
      const collector = await startCollector(
        t,
        collectorText(kind.config, `type: http, url: '${receiver.url}'`),
      )
      const lines = Array.from({ length: 30_000 }, (_, n) => event(n))
      const sent = send(kind, portOf(collector), lines.join(''))
      await until(() => collector.topology.sources[0]!.intake.full)
      t.ok(collector.ledger.sources[0]!.received < lines.length)
      opened.resolve(200)
      const answer = await sent
      if (kind.answers) t.match(answer, '"accepted":30000,"rejected":0')
      t.same(
        (await receiver.received(lines.length)).map(original),
        lines.map((line) => line.trimEnd()),
      )
    })

    await t.test(
      'stops with connections open and records unfinished; afterwards nothing is left',
      async (t) => {
        const before = listeners()
        const collector = await plain(collectorText(kind.config, 'type: blackhole'), temporaryDirectory(t))
        await collector.start()
        const port = portOf(collector)
        const idle = await open(port)
        const busy = await open(port)
        for (const socket of [idle, busy]) socket.on('error', () => {}).resume()
        busy.write(kind.head(10_000) + event(1) + event(2).slice(0, 20))
        await until(() => collector.ledger.sources[0]!.accepted === 1)
        await collector.stop()
        idle.destroy()
        busy.destroy()
        t.same(collector.ledger.imbalances(), [])
        t.equal(collector.ledger.sources[0]!.received, 2)
        t.equal(collector.ledger.sources[0]!.rejectedTotal, 1, 'what was unfinished is bad_framing')
        await t.rejects(open(port), { code: 'ECONNREFUSED' })
        await until(() => listeners() <= before)
      },
    )
  })
}
