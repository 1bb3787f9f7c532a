import t from 'tap'
import { connectionsMax, openFilesWanted } from '../../../src/app/open-files.ts'
import { detailsOf, parse, problemsOf } from '../../app/config/fixtures/configs.ts'

const withSources = (sources: string) => `sources: { ${sources} }\nsinks: { out: { type: blackhole } }\n`
const withSyslog = (keys: string) => withSources(`net: { type: syslog, listen: 127.0.0.1:0, ${keys} }`)

t.test('defaults', async (t) => {
  const [source] = parse(withSyslog('')).config.sources
  t.match(source, {
    type: 'syslog',
    transport: 'tcp',
    framing: 'auto',
    timezone: 'local',
    receiveBuffer: 4 * 1024 * 1024,
    schema: 'soc',
    insecure: false,
  })
  t.notOk(Object.hasOwn(source!, 'maxDepth'))
})

t.test('what is wrong is said with its key', async (t) => {
  const cases: [keys: string, problem: RegExp][] = [
    ['transport: udp, framing: nul', /sources\.net\.framing: expected no framing beside transport: udp/],
    ['framing: lines', /sources\.net\.framing: expected auto, newline, octet_counting or nul/],
    ['timezone: Mars/Olympus', /sources\.net\.timezone: expected .*found Mars\/Olympus/],
    ['max_depth: 3', /sources\.net\.max_depth: expected one of the keys/],
    ['schema: any', /sources\.net\.schema: expected soc, found "any"/],
    ['receive_buffer: 1KiB', /sources\.net\.receive_buffer: expected a size from 4KiB/],
    ['max_record_bytes: 1MiB', /sources\.net\.max_record_bytes: expected at most half/],
  ]
  for (const [keys, problem] of cases) {
    const problems = problemsOf(withSyslog(keys))
    t.equal(problems.length, 1, keys)
    t.match(problems[0], problem)
  }
  t.match(detailsOf(withSyslog('transport: tls')), [{ kind: 'not_in_this_version' }])
  t.match(problemsOf(withSources('net: { type: syslog, listen: "0.0.0.0:514", transport: udp }')), [
    /sources\.net\.listen: expected a loopback address, or insecure: true/,
  ])
})

t.test('timezones, and receive_buffer beside tcp as in the reference', async (t) => {
  for (const timezone of ['local', 'UTC', '+02:00', 'Europe/Berlin']) {
    t.same(problemsOf(withSyslog(`timezone: "${timezone}"`)), [], timezone)
  }
  t.same(problemsOf(withSyslog('transport: tcp, receive_buffer: 4MiB')), [])
})

const tcp = (name: string) => `${name}: { type: syslog, listen: 127.0.0.1:5514 }`
const udp = (name: string) => `${name}: { type: syslog, listen: 127.0.0.1:5514, transport: udp }`

t.test('tcp and udp may have the same port, two of one kind may not', async (t) => {
  t.same(problemsOf(withSources(`${tcp('a')}, ${udp('b')}`)), [])
  t.match(problemsOf(withSources(`${tcp('a')}, ${udp('b')}, ${udp('c')}`)), [
    /sources\.c\.listen: expected an address of its own, not that of sources\.b/,
  ])
  t.match(problemsOf(withSources(`${tcp('a')}, ${udp('b')}, ${tcp('c')}`)), [
    /sources\.c\.listen: expected an address of its own, not that of sources\.a/,
  ])
})

t.test('datagrams need no connections', async (t) => {
  const overTcp = parse(withSyslog('max_connections: 100')).config
  const overUdp = parse(withSyslog('max_connections: 100, transport: udp')).config
  t.equal(connectionsMax(overTcp.sources[0]!), 100)
  t.equal(openFilesWanted(overTcp) - openFilesWanted(overUdp), 100)
})
