/** `spillway systemd`: the unit follows from the configuration; where systemd is there, it says that the unit is one. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../src/app/config/load.ts'
import { unitText } from '../../src/commands/systemd/unit.ts'
import type { UnitHost } from '../../src/commands/systemd/unit.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import { run } from './fixtures/cli.ts'

const host: UnitHost = {
  node: '/usr/bin/node',
  launcher: '/opt/spillway/src/spillway.js',
  configFile: '/etc/spillway/spillway.yaml',
  workingDirectory: '/srv',
  user: 'spillway',
}

const usual = `
data_dir: /var/lib/spillway
shutdown_timeout: 40s
workers: 3
sources:
  push: { type: http, listen: 127.0.0.1:8080, max_connections: 2000 }
  net: { type: syslog, listen: 127.0.0.1:514 }
sinks:
  siem: { type: http, url: 'https://siem.example/', request: { concurrency: 8 } }
  archive: { type: file, path: /var/lib/spillway/archive }
  other: { type: file, path: /srv/100% archive }
`

/** The settings of a unit, each with all its values. */
function unitOf(text: string, changed: Partial<UnitHost> = {}) {
  const { config } = parseConfig(text, 'c.yaml', '/etc/spillway', { env: {}, cwd: '/', cores: 4 })
  const unit = unitText(config, { ...host, ...changed })
  const settings = new Map<string, string>()
  for (const [, key, value] of unit.matchAll(/^(\w+)=(.*)$/gm))
    settings.set(key!, [settings.get(key!), value].filter((part) => part !== undefined).join(' | '))
  return { unit, settings }
}

/** That of the machine that the tests run on; null without systemd. */
function analyze(verb: readonly string[], unit: string, directory: string): string | null {
  const file = join(directory, 'spillway.service')
  writeFileSync(file, unit)
  const { error, stdout, stderr } = spawnSync('systemd-analyze', [...verb, file], { encoding: 'utf8' })
  return error === undefined ? stdout + stderr : null
}

t.test('what the configuration says', async (t) => {
  const { unit, settings } = unitOf(usual)
  t.equal(
    settings.get('ExecStart'),
    '/usr/bin/node /opt/spillway/src/spillway.js run -c /etc/spillway/spillway.yaml',
  )
  t.equal(settings.get('StateDirectory'), 'spillway', 'made by systemd, with the archive in it')
  t.equal(settings.get('ReadWritePaths'), '"/srv/100%% archive"')
  t.match(unit, /^# {3}install -d -o spillway -m 0750 "\/srv\/100%% archive"$/m)
  t.equal(settings.get('TimeoutStopSec'), '55s')
  t.equal(settings.get('LimitNOFILE'), '7168', '2,000 + 5,000 connections, 8 + 2 requests, 128 others')
  t.equal(settings.get('TasksMax'), '67')
  t.match(settings.get('MemoryMax'), /^\d{4}M$/)
  t.equal(settings.get('AmbientCapabilities'), 'CAP_NET_BIND_SERVICE', 'for port 514')
  t.equal(settings.get('CapabilityBoundingSet'), 'CAP_NET_BIND_SERVICE')
  t.notOk(settings.has('PrivateUsers'))
  t.notOk(settings.has('MemoryDenyWriteExecute'), 'V8 compiles')
  t.notOk(settings.has('CPUAffinity'))
  t.equal(settings.get('ProtectHome'), 'yes')
  t.equal(settings.get('PrivateTmp'), 'yes')
})

t.test('other configurations, other units', async (t) => {
  const own = 'sources: { a: { type: tcp, listen: 127.0.0.1:8081 } }\nsinks: { b: { type: blackhole } }\n'
  const high = unitOf(own)
  t.equal(high.settings.get('CapabilityBoundingSet'), '')
  t.equal(high.settings.get('PrivateUsers'), 'yes')
  t.equal(high.settings.get('ReadWritePaths'), '/etc/spillway/data')
  t.notOk(high.settings.has('StateDirectory'))
  t.equal(unitOf(`${own}cpu_pinning: { main: 0, workers: [1] }\n`).settings.get('CPUAffinity'), '0-1')
  t.match(unitOf(`${own}cpu_pinning: auto\n`).unit, /^# cpu_pinning: auto chooses/m)
  t.match(unitOf(`admin: { listen: none }\n${own}`).settings.get('LimitNOFILE'), /^\d+$/)
  const node = join('/', 'home', 'ada', 'bin', 'node')
  const home = unitOf(own, {
    node,
    launcher: '/tmp/a $b/spillway.js',
    configFile: null,
  })
  t.equal(home.settings.get('ProtectHome'), 'read-only')
  t.notOk(home.settings.has('PrivateTmp'))
  t.equal(home.settings.get('ExecStart'), `${node} "/tmp/a $$b/spillway.js" run`)
  t.equal(home.settings.get('WorkingDirectory'), '/srv')
  const input = 'sources: { a: { type: stdin } }\nsinks: { b: { type: blackhole } }\n'
  t.match(unitOf(input).unit, /^# A unit has no standard input/m)
})

t.test('the command, and systemd about what it prints', async (t) => {
  const directory = temporaryDirectory(t)
  const config = join(directory, 'c.yaml')
  writeFileSync(config, usual)
  const [printed, noUser, noFile] = await Promise.all([
    run(t, 'systemd', '-c', config, '--user', 'root'),
    run(t, 'systemd', '--user', 'no one'),
    run(t, 'systemd', '-c', '/nowhere'),
  ])
  t.match(noUser, { code: 2, out: '', err: /^--user: no one is no user name/ })
  t.match(noFile, { code: 2, out: '', err: /^cannot read the configuration file/ })
  t.match(printed, { code: 0, err: '' })
  t.match(printed.out, /^ExecStart=\S*node \S*\/src\/spillway\.js run -c \S*c\.yaml$/m)
  const complaints = analyze(['verify'], printed.out, directory)
  if (complaints === null) t.pass('systemd is not there')
  else {
    t.notMatch(complaints, /spillway\.service/, 'no complaint about the unit')
    const exposure = analyze(['security', '--offline=yes'], unitOf(usual).unit, directory)
    t.match(exposure, /Overall exposure level for spillway\.service: [012]\.\d OK/)
  }
})
