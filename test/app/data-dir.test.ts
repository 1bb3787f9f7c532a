/** The data directory as whole processes meet it: one at a time, and what they leave to the next. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { journalDetachCommand } from '../../src/commands/journal-detach.ts'
import { readState } from '../../src/journal/state-file.ts'
import { startCli } from '../commands/fixtures/cli.ts'
import type { Cli } from '../commands/fixtures/cli.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import { socEvent } from '../helpers/soc-event.ts'

const BLACKHOLE = '{ type: blackhole }'
/** Nobody listens there. */
const DEAD = '{ type: http, url: "http://127.0.0.1:9/" }'

function configure(directory: string, sinks: Readonly<Record<string, string>>): string {
  const file = join(directory, 'spillway.yaml')
  const lines = Object.entries(sinks).map(([name, sink]) => `  ${name}: ${sink}`)
  writeFileSync(
    file,
    `data_dir: ./data
workers: 1
admin: { listen: none }
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks:\n${lines.join('\n')}\n`,
  )
  return file
}

const start = (test: Test, file: string) => startCli(test, ['run', '-c', file], { LOG_LEVEL: 'info' })

/** Where it takes events, once it does. */
async function url(cli: Cli): Promise<string> {
  await cli.said(/"event":"started"/)
  return `http://${/"push":"(?:http:\/\/)?([^"/]+)/.exec(cli.err)![1]}/`
}

async function post(cli: Cli, count: number): Promise<void> {
  const body = Array.from({ length: count }, (_, n) => socEvent(n)).join('\n')
  const response = await fetch(await url(cli), { method: 'POST', body })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
}

async function detach(sink: string, file: string) {
  let said = ''
  const say = (text: string) => void (said += text)
  const exitCode = await journalDetachCommand(sink, { config: file }, { out: say, err: say })
  return { exitCode, said }
}

t.test(
  'a second collector is told who holds the directory, and starts as soon as that one is killed',
  async (t) => {
    const file = configure(temporaryDirectory(t), { siem: BLACKHOLE })
    const first = start(t, file)
    await url(first)
    const second = await start(t, file).ended
    t.equal(second.code, 1)
    t.match(second.err, `is in use by process ${first.child.pid} on `)
    t.match(second.err, /running since .*: stop that one, or give this one another data_dir\n$/)
    t.notMatch(second.err, /\n +at /, 'no stack')
    first.child.kill('SIGKILL')
    await first.ended
    const third = start(t, file)
    await post(third, 1)
    third.child.kill('SIGTERM')
    t.match(await third.ended, { code: 0 })
    t.notOk(existsSync(join(file, '../data/control.sock')))
  },
)

t.test('sinks that have left are given up, with a collector and without', async (t) => {
  const directory = temporaryDirectory(t)
  const journal = join(directory, 'data', 'journal')
  const segments = () => readdirSync(journal).filter((name) => name.endsWith('.frames'))
  const both = start(t, configure(directory, { siem: BLACKHOLE, old: DEAD, older: DEAD }))
  await post(both, 12)
  both.child.kill('SIGTERM')
  t.match(await both.ended, { code: 0 })
  const [oldest] = segments()

  const file = configure(directory, { siem: BLACKHOLE })
  t.match(await detach('siem', file), { exitCode: 2, said: /is in the configuration/ })
  t.match(await detach('older', file), { exitCode: 0, said: /^older: detached; 12 events/ })

  const left = start(t, file)
  await post(left, 3)
  t.match(left.err, /"event":"sink_left","component":"old","held":12/)
  t.notMatch(left.err, /"component":"older"/)
  t.match(await detach('sold', file), { exitCode: 2, said: /those that have: old, older|older, old/ })
  t.ok(segments().includes(oldest!), 'what one of them holds is kept')
  t.match(await detach('old', file), { exitCode: 0, said: /^old: detached; 12 events/ })
  t.match(await detach('old', file), { exitCode: 0, said: /^old: detached; 0 events/ })
  left.child.kill('SIGKILL')
  await left.ended

  const { state } = await readState(join(journal, 'state'))
  for (const name of ['old', 'older']) {
    t.match(state!.sinks[name], { settled: [12, 0], delivered: [0, 0], discarded: { detached: 12 } }, name)
  }
  const after = start(t, file)
  await post(after, 3)
  after.child.kill('SIGTERM')
  const { err } = await after.ended
  t.notMatch(err, /sink_left/)
  t.notOk(segments().includes(oldest!), 'nobody needs it any more')
})
