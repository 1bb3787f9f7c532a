import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { SyslogRig } from '../sources/syslog/fixtures/syslog-rig.ts'
const run = promisify(execFile)
t.test('structured data', async (t) => {
  const rig = await SyslogRig.start(t)
  await run('logger', [
    '-n',
    '127.0.0.1',
    '-P',
    `${rig.port('net')}`,
    '-T',
    '--octet-count',
    '--rfc5424',
    '--msgid',
    'ID47',
    '--sd-id',
    'x@1',
    '--sd-param',
    'a="1"',
    '--sd-param',
    'b="2 \\"3\\""',
    '--sd-id',
    'y@1',
    'hällo',
  ])
  console.log(JSON.stringify(await rig.events(1)))
  await run('logger', [
    '-n',
    '127.0.0.1',
    '-P',
    `${rig.port('net')}`,
    '-T',
    '--size',
    '60000',
    '--rfc5424',
    'x'.repeat(50000),
  ])
  await run('logger', [
    '-n',
    '127.0.0.1',
    '-P',
    `${rig.port('net_udp')}`,
    '-d',
    '--size',
    '60000',
    '--rfc5424',
    'x'.repeat(50000),
  ])
  await run('logger', [
    '-n',
    '127.0.0.1',
    '-P',
    `${rig.port('net_udp')}`,
    '-d',
    '--rfc5424',
    'x'.repeat(5000),
  ])
  console.log((await rig.events(4)).map((e) => e.raw_payload.message!.length))
})
