/** What the README tells users of these clients to configure, run as it stands there but for the port. */
import { exec } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { readmeFile } from '../readme/generate.ts'
import { SyslogRig } from '../sources/syslog/fixtures/syslog-rig.ts'
import { lacks } from './fixtures/program.ts'
import { quietPort } from './fixtures/quiet-port.ts'
import { startRsyslog, startSyslogNgSnippet } from './fixtures/relay.ts'
import { richEvent, richLine, structuredData, timestamp } from './fixtures/rich-line.ts'

const PORT = '5514'

/** The code block behind a marker such as `<!-- client:rsyslog -->`. */
function snippet(name: string, port: number): string {
  const readme = readFileSync(readmeFile, 'utf8')
  const [, code] = new RegExp(`<!-- client:${name} -->\\s+\`\`\`\\w*\\n([^]*?)\`\`\``).exec(readme) ?? []
  if (code === undefined) throw new Error(`the README has no client:${name}`)
  if (!code.includes(PORT)) throw new Error(`client:${name} does not name the port ${PORT}`)
  return code.replaceAll(PORT, `${port}`)
}

t.test('logger', { skip: lacks('logger') }, async (t) => {
  const port = await quietPort()
  const rig = await SyslogRig.start(t, { port })
  const commands = snippet('logger', port).trim().split('\n')
  for (const command of commands) await promisify(exec)(command)
  const events = await rig.events(commands.length)
  for (const { event_type: type } of events) t.equal(type, 'sshd')
  t.ok(rig.tcp.accepted > 0 && rig.udp.accepted > 0)
})

t.test('rsyslog', { skip: lacks('rsyslogd') }, async (t) => {
  const rig = await SyslogRig.start(t)
  const { inputs } = await startRsyslog(t, [snippet('rsyslog', rig.port('net'))])
  await inputs[0]!.lines([richLine])
  const [event] = await rig.events(1)
  t.same(event, richEvent(timestamp, { msg_id: 'ID47', structured_data: structuredData }))
})

t.test('syslog-ng', { skip: lacks('syslog-ng') }, async (t) => {
  const rig = await SyslogRig.start(t)
  const { inputs } = await startSyslogNgSnippet(t, snippet('syslog-ng', rig.port('net')))
  await inputs[0]!.lines([richLine])
  const [event] = await rig.events(1)
  // Whole, with the milliseconds that it leaves out unless told otherwise, and with its own count.
  const counted = { ...structuredData, meta: { sequenceId: '1' } }
  t.same(event, richEvent(timestamp, { msg_id: 'ID47', structured_data: counted }))
})
