/** logger(1) of util-linux. */
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { SyslogRig } from '../sources/syslog/fixtures/syslog-rig.ts'
import { Program } from './fixtures/program.ts'
import { throughFullPhase } from './fixtures/scenarios.ts'
import type { Subject, Transport } from './fixtures/scenarios.ts'

const run = promisify(execFile)

function missing(): string | false {
  try {
    const version = execFileSync('logger', ['--version'], { encoding: 'utf8' })
    return !version.includes('util-linux') && 'logger is not that of util-linux'
  } catch {
    return 'no logger here'
  }
}

const skip = missing()

t.test('structured data, and long messages', { skip }, async (t) => {
  const rig = await SyslogRig.start(t)
  const to = { udp: ['-d', '-P', `${rig.port('net_udp')}`], tcp: ['-T', '-P', `${rig.port('net')}`] }
  const data = ['--msgid', 'ID47', '--sd-id', 'x@1', '--sd-param', 'a="1"', '--sd-param', 'b="2 \\"3\\""']
  const long = 'ä'.repeat(25_000)
  let count = 0
  for (const way of [to.udp, to.tcp, [...to.tcp, '--octet-count']]) {
    const server = ['-n', '127.0.0.1', ...way, '--rfc5424=notq', '-t', 'app', '-p', 'local4.crit']
    await run('logger', [...server, ...data, 'grüße'])
    await run('logger', [...server, '--size', '60000', long])
    const [rich, plain] = (await rig.events((count += 2))).slice(-2)
    t.match(rich, { event_type: 'app', severity: 8 })
    t.match(rich!.raw_payload, { facility: 20, severity: 2, msg_id: 'ID47', message: 'grüße' })
    t.same(rich!.raw_payload.structured_data, { 'x@1': { a: '1', b: '2 "3"' } })
    t.equal(plain!.raw_payload.message, long, way.join(' '))
  }
})

/** It reads lines from its standard input. */
function subjectOf(transport: Transport, ...options: string[]): Subject {
  return {
    transport,
    start(test, port) {
      const way = transport === 'udp' ? '-d' : '-T'
      const args = ['-n', '127.0.0.1', '-P', `${port}`, way, '--rfc5424', '--size', '8192', ...options]
      const program = new Program(test, 'logger', args, '.')
      const say = (messages: readonly string[]) =>
        new Promise<void>((resolve) => {
          program.stdin.write(messages.map((message) => `${message}\n`).join(''), () => resolve())
        })
      return Promise.resolve({ say })
    },
  }
}

for (const [what, subject] of [
  ['udp', subjectOf('udp')],
  ['tcp', subjectOf('tcp')],
  ['tcp, octet counting', subjectOf('tcp', '--octet-count')],
] as const) {
  t.test(`a full phase: ${what}`, { skip }, async (t) => {
    await throughFullPhase(t, subject)
  })
}
