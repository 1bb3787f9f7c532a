/** The promise of `ack: stored`, as the kernel sees it: what an answer tells of was synced before the answer was written. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { temporaryDirectory } from '../helpers/collector.ts'
import { lacksStrace, readCalls, straceArgs } from './fixtures/system-calls.ts'
import type { SystemCall } from './fixtures/system-calls.ts'

const LAUNCHER = fileURLToPath(new URL('../../src/spillway.js', import.meta.url))
const ONE_BY_ONE = 8
const AT_ONCE = 16

const CONFIG = {
  data_dir: './data',
  admin: { listen: '127.0.0.1:0' },
  journal: { mode: 'disk' },
  sources: { push: { type: 'http', listen: '127.0.0.1:0', ack: 'stored' } },
  sinks: { nowhere: { type: 'blackhole' } },
}

/** Request k has k events and one that is refused, so that its answer can be told from the others. */
function bodyOf(k: number): string {
  const events = Array.from({ length: k }, (_, index) => {
    const text = `event-${k}-${index}-`
    return `{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","event_type":"${text}","severity":1}`
  })
  return [...events, `{"refused":"letter-${k}-"}`].join('\n')
}

/** A collector under strace, which is a child of its own, sent all requests and stopped; resolves to its system calls. */
async function trace(t: Test): Promise<SystemCall[]> {
  const directory = temporaryDirectory(t)
  const config = join(directory, 'config.yaml')
  const file = join(directory, 'calls.txt')
  writeFileSync(config, JSON.stringify(CONFIG))
  const env: NodeJS.ProcessEnv = { ...process.env, LOG_LEVEL: 'info' }
  delete env['NODE_V8_COVERAGE']
  delete env['NODE_OPTIONS']
  const args = [...straceArgs(file), process.execPath, LAUNCHER, 'run', '-c', config]
  const child = spawn('strace', args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const closed = once(child, 'close')
  t.teardown(() => child.kill('SIGKILL'))
  const url = await new Promise<string>((resolve, reject) => {
    const said: string[] = []
    createInterface(child.stderr).on('line', (line) => {
      said.push(line)
      if (!line.includes('"event":"started"')) return
      const started: { sources: { push: string } } = JSON.parse(line)
      resolve(`http://${started.sources.push}/`)
    })
    closed.then(() => reject(new Error(`it did not start: ${said.join('\n')}`)), reject)
  })
  const post = async (k: number) => {
    const response = await fetch(url, {
      method: 'POST',
      body: bodyOf(k),
      headers: { 'content-type': 'application/x-ndjson' },
    })
    t.match(await response.json(), { accepted: k, rejected: 1 }, `request ${k}`)
  }
  for (let k = 1; k <= ONE_BY_ONE; k++) await post(k)
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => post(ONE_BY_ONE + 1 + index)))
  child.kill('SIGTERM')
  await closed
  return readCalls(file)
}

const isWrite = ({ name }: SystemCall) => !name.endsWith('sync')
const ofFile = (call: SystemCall, path: RegExp) => path.test(call.args.slice(0, call.args.indexOf('>') + 1))
const fileOf = ({ args }: SystemCall) => /^\d+<([^>]+)>/.exec(args)?.[1]

const SEGMENT = /^\d+<[^>]*\/journal\/\d{10}\.\d{16}\.frames>/
const LETTERS = /^\d+<[^>]*\/dlq\//

t.setTimeout(60_000)

t.test('what a 200 tells of is synced before the 200 is written', { skip: lacksStrace() }, async (t) => {
  const calls = await trace(t)
  const answers = calls.filter((call) => isWrite(call) && call.args.includes('HTTP/1.1 200'))
  t.equal(answers.length, ONE_BY_ONE + AT_ONCE, 'each answer is one write')
  for (let k = 1; k <= ONE_BY_ONE + AT_ONCE; k++) {
    const answer = answers.find(({ args }) => args.includes(`\\"accepted\\":${k},`))
    if (answer === undefined) {
      t.fail(`no answer to request ${k}`)
      continue
    }
    for (const [token, path] of [
      [`event-${k}-`, SEGMENT],
      [`letter-${k}-`, LETTERS],
    ] as const) {
      const write = calls.findLast((call) => isWrite(call) && ofFile(call, path) && call.args.includes(token))
      if (write === undefined) {
        t.fail(`${token} was never written`)
        continue
      }
      const sync = calls.find(
        (call) =>
          call.name === 'fdatasync' &&
          fileOf(call) === fileOf(write) &&
          call.result === '0' &&
          call.beganAtLine > write.endedAtLine,
      )
      t.ok(
        sync !== undefined && sync.endedAtLine < answer.beganAtLine,
        `${token} is synced before its answer`,
      )
      t.ok(sync !== undefined && sync.endedAtS <= answer.beganAtS, `${token}: by the clock, too`)
    }
  }
})
