/** logger(1) of util-linux, in all the ways that it has. */
import { execFile, execFileSync } from 'node:child_process'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import t from 'tap'
import { SyslogRig } from './fixtures/syslog-rig.ts'

function missing(): string | false {
  try {
    return execFileSync('logger', ['--version'], { encoding: 'utf8' }).includes('util-linux')
      ? false
      : 'logger is not that of util-linux'
  } catch {
    return 'no logger here'
  }
}

const run = promisify(execFile)

t.test('logger', { skip: missing() }, async (t) => {
  const rig = await SyslogRig.start(t)
  const ways: [what: string, options: string[]][] = [
    ['udp', ['-d', '--rfc5424']],
    ['udp', ['-d', '--rfc3164']],
    ['tcp', ['-T', '--rfc5424']],
    ['tcp', ['-T', '--rfc3164']],
    ['tcp', ['-T', '--octet-count', '--rfc5424']],
    ['tcp', ['-T', '--octet-count', '--rfc3164']],
  ]
  let count = 0
  for (const [transport, options] of ways) {
    t.test(options.join(' '), async (t) => {
      const port = rig.port(transport === 'udp' ? 'net_udp' : 'net')
      const text = `sshd says: grüße "${count}"`
      const before = Date.now()
      await run(
        'logger',
        ['-n', '127.0.0.1', '-P', `${port}`, '-p', 'auth.warning', '-t', 'sshd', '--id=42', ...options, text],
        { env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' } },
      )
      count++
      const event = (await rig.events(count))[count - 1]!
      t.match(event, {
        source_ip: '127.0.0.1',
        event_type: 'sshd',
        severity: 5,
        raw_payload: { facility: 4, severity: 4, app_name: 'sshd', proc_id: '42', message: text },
      })
      t.ok(
        hostname().startsWith(event.raw_payload.hostname!.split('.')[0]!),
        `the host is ${event.raw_payload.hostname}`,
      )
      t.ok(Math.abs(Date.parse(event.timestamp) - before) < 60_000, event.timestamp)
    })
  }

  t.test('a file of lines over one connection', async (t) => {
    const lines = Array.from({ length: 300 }, (_, n) => `line ${n}`)
    const child = execFile('logger', ['-n', '127.0.0.1', '-P', `${rig.port('net')}`, '-T', '-t', 'file'])
    child.stdin!.end(`${lines.join('\n')}\n`)
    await new Promise((resolve) => child.on('close', resolve))
    const messages = (await rig.messages(count + lines.length)).slice(count)
    t.same(messages, lines)
  })
})
