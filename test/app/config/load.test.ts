import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { loadConfig, parseConfig } from '../../../src/app/config/load.ts'
import { compileSlowPath } from '../../../src/scan/slow-path.ts'
import { host, least, parse, withSink } from './fixtures/configs.ts'

t.test('without a file, the embedded default: four sources on loopback into an archive', async (t) => {
  const { config, file } = loadConfig(undefined, host)
  t.equal(file, '(embedded default)')
  t.same(
    config.sources.map((source) => [
      source.name,
      source.type,
      'listen' in source && source.listen,
      source.schema,
    ]),
    [
      ['push', 'http', { host: '127.0.0.1', port: 8080 }, 'soc'],
      ['lines', 'tcp', { host: '127.0.0.1', port: 8081 }, 'soc'],
      ['net', 'syslog', { host: '127.0.0.1', port: 5514 }, 'soc'],
      ['net_udp', 'syslog', { host: '127.0.0.1', port: 5514 }, 'soc'],
    ],
  )
  const [archive] = config.sinks
  t.match(archive, {
    name: 'archive',
    type: 'file',
    path: '/base/data/archive',
    inputs: ['push', 'lines', 'net', 'net_udp'],
  })
  t.equal(config.dataDir, '/base/data')
  t.same(config.admin.listen, { host: '127.0.0.1', port: 9600 })
  t.equal(config.journal.mode, 'disk')
  t.equal(config.shutdownTimeoutMs, 30_000)
})

t.test('the defaults of an http sink', async (t) => {
  const [sink] = parse(withSink('')).config.sinks
  t.same(sink, {
    name: 'out',
    type: 'http',
    inputs: ['in'],
    url: 'https://siem.example/',
    method: 'POST',
    headers: {},
    tls: { verify: true },
    encoding: 'ndjson',
    compression: 'none',
    batch: { maxBytes: 524_288, maxEvents: 10_000, maxAgeMs: 2000 },
    request: { timeoutMs: 15_000, connectTimeoutMs: 5000, concurrency: 'adaptive' },
    rateLimit: {
      requestsPerSecond: Infinity,
      burst: Infinity,
      eventsPerSecond: Infinity,
      bytesPerSecond: Infinity,
      bytesPerDay: Infinity,
      algorithm: 'token_bucket',
      per: 'sink',
    },
    retry: { initialMs: 1000, maxMs: 30_000, jitter: 'full', maxAgeMs: Infinity },
    from: 'now',
    lookaheadBytes: 268_435_456,
    breaker: { failures: 5, cooldownMs: 1000, maxCooldownMs: 60_000 },
    order: 'none',
    eventIdField: null,
  })
})

const burstOf = (limit: string): number | undefined =>
  parse(withSink(`rate_limit: { ${limit} }`)).config.sinks[0]?.rateLimit.burst

t.test('burst is one second of requests unless it is given', async (t) => {
  t.equal(burstOf('requests_per_second: 10'), 10)
  t.equal(burstOf('requests_per_second: 2.5'), 2)
  t.equal(burstOf('requests_per_second: 0.1'), 1)
  t.equal(burstOf('requests_per_second: 10, burst: 3'), 3)
  t.equal(burstOf('requests_per_second: none, events_per_second: 5'), Infinity)
  t.equal(burstOf('requests_per_second: 10, algorithm: leaky_bucket'), 1)
})

const perOf = (per: string) =>
  parse(withSink(`rate_limit: { bytes_per_day: 1GiB, per: ${per} }`)).config.sinks[0]?.rateLimit.per

t.test('what is limited is a word, or a field with a limit on its values', async (t) => {
  t.equal(perOf('source'), 'source')
  t.same(perOf('{ field: tenant }'), { field: 'tenant', maxKeys: 10_000 })
  t.same(perOf('{ field: /org/id, max_keys: 7 }'), { field: '/org/id', maxKeys: 7 })
})

t.test('delivery control as it is written', async (t) => {
  const [sink] = parse(
    withSink(
      'breaker: { cooldown: 2s, probe: { path: /health } }, event_id_field: id, order: per_source, compression: auto, request: { concurrency: 7 }',
    ),
  ).config.sinks
  t.match(sink, {
    breaker: {
      failures: 5,
      cooldownMs: 2000,
      maxCooldownMs: 60_000,
      probe: { method: 'GET', path: '/health' },
    },
    eventIdField: 'id',
    order: 'per_source',
    compression: 'auto',
    request: { concurrency: 7 },
  })
})

t.test('conditions keep the names of their keys', async (t) => {
  const written =
    'where: { severity: { gte: 3 }, user_name: { in: [a, 1, null, true], exists: true }, __proto__: { ne: x } }'
  const where = parse(withSink(written)).config.sinks[0]?.where
  t.same(Object.entries(where ?? {}), [
    ['severity', { gte: 3 }],
    ['user_name', { in: ['a', 1, null, true], exists: true }],
    ['__proto__', { ne: 'x' }],
  ])
})

t.test('the result is frozen all through, and schemas still compile', async (t) => {
  const { config, shown } = parse(withSink('where: { a: { in: [1] } }, headers: { X: y }'))
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    t.ok(Object.isFrozen(value))
    for (const child of Object.values(value)) visit(child)
  }
  visit(config)
  visit(shown)
  const event = Buffer.from(
    '{"timestamp":"2026-01-01T00:00:00Z","source_ip":"1.2.3.4","event_type":"x","severity":7}',
  )
  t.match(compileSlowPath(config.schemas.soc!, { maxDepth: 8 }).decide(event, 0, event.length), {
    accepted: true,
    severity: 7,
  })
})

const workersOf = (top: string, cores: number) => parse(`${top}\n${least}`, { cores }).config.workers

t.test(
  'workers: auto leaves a core to the main thread and keeps to what the arena has reserves for',
  async (t) => {
    const cases: [top: string, cores: number, min: number, max: number][] = [
      ['', 1, 1, 1],
      ['', 2, 1, 1],
      ['', 9, 8, 8],
      ['', 200, 27, 27],
      ['workers: 3', 1, 3, 3],
      ['workers: { min: 1, max: 4 }', 2, 1, 4],
    ]
    for (const [top, cores, min, max] of cases) t.same(workersOf(top, cores), { min, max }, top)
  },
)

t.test('relative paths start at the configuration file', async (t) => {
  const dir = t.testdir({ 'c.yaml': `${least}data_dir: here\n` })
  t.equal(loadConfig(join(dir, 'c.yaml'), host).config.dataDir, join(dir, 'here'))
  t.equal(loadConfig('c.yaml', { ...host, cwd: dir }).config.dataDir, join(dir, 'here'))
})

t.test('JSON is YAML too', async (t) => {
  const json = { sources: { in: { type: 'tcp', listen: '127.0.0.1:0' } }, sinks: { out: { type: 'stdout' } } }
  t.equal(parse(JSON.stringify(json)).config.sinks[0]?.type, 'stdout')
  t.equal(parse(`\u{FEFF}${JSON.stringify(json)}`).config.sinks[0]?.type, 'stdout')
})

t.test('what is shown is a configuration that resolves to the same', async (t) => {
  const text = `workers: { min: 1, max: 2 }
memory: { slab_bytes: 2MiB, arena_bytes: 100MB }
sources:
  a: { type: http, listen: "[::1]:0", max_connections: 7, auth: { bearer: t } }
  b: { type: tcp, listen: 127.0.0.1:0, schema: any, idle_timeout: 90s }
sinks:
  siem:
    type: http
    url: https://siem.example
    inputs: [a]
    where: { severity: { gte: 3 }, "/a/b": { exists: true } }
    rate_limit: { requests_per_second: 7, bytes_per_second: 3MiB, algorithm: leaky_bucket, per: { field: tenant } }
    breaker: { probe: { method: HEAD, path: /up } }
    event_id_field: event_id
    retry: { max_age: 3h }
  archive: { type: file, path: x, order: per_source }
`
  const first = parse(text)
  const second = parse(stringify(first.shown, { aliasDuplicateObjects: false }))
  t.same(second.shown, first.shown)
  t.same(second.config.sinks, first.config.sinks)
  t.same({ ...second.config, sources: 0 }, { ...first.config, sources: 0 })
})

t.test('files that can not be read', async (t) => {
  const dir = t.testdir({ 'c.yaml': least })
  writeFileSync(join(dir, 'long.yaml'), `# ${'x'.repeat(1024 * 1024)}\n${least}`)
  writeFileSync(
    join(dir, 'latin1.yaml'),
    Buffer.concat([Buffer.from([0x23, 0xe4, 0x0a]), Buffer.from(least)]),
  )
  const load = (file: string) => () => loadConfig(file, { ...host, cwd: dir })
  const code = 'SPW_ERR_CONFIG_UNREADABLE'
  t.doesNotThrow(load('c.yaml'))
  t.throws(load('none.yaml'), {
    code,
    exitCode: 2,
    message: 'cannot read the configuration file none.yaml: ENOENT',
  })
  t.throws(load('.'), { code, message: 'cannot read the configuration file .: EISDIR' })
  t.throws(load('long.yaml'), { code, message: /longer than 1048576 bytes/ })
  t.throws(load('latin1.yaml'), { code, message: /not UTF-8/ })
})

t.test("a user's schema is loaded with its options", async (t) => {
  const dir = t.testdir({
    'okta.json': '{ "type": "object", "properties": { "severity": { "type": "string" }, "logs": {} } }',
    'plain.yaml': 'type: object\nrequired: [a]\n',
  })
  const text = `${least.replace('0 }', '0, schema: okta }')}schemas:
  okta: { file: ./okta.json, severity: /severity, severity_map: { WARN: 6, "hot stuff": 10 }, timestamp: /published }
  plain: { file: plain.yaml }
`
  const { config, shown } = parseConfig(text, 'c.yaml', dir, host)
  t.same(Object.keys(config.schemas), ['soc', 'log_event', 'any', 'okta', 'plain'])
  t.match(config.schemas.okta, {
    name: 'okta',
    severity: '/severity',
    severityMap: { WARN: 6, 'hot stuff': 10 },
    timestamp: '/published',
    declaresLogs: true,
  })
  t.match(config.schemas.plain, { schema: { type: 'object', required: ['a'] } })
  t.same(shown.schemas, {
    okta: {
      file: join(dir, 'okta.json'),
      severity: '/severity',
      severity_map: { WARN: 6, 'hot stuff': 10 },
      timestamp: '/published',
    },
    plain: { file: join(dir, 'plain.yaml') },
  })
})

t.test('what is wrong with a schema file stands where its name does', async (t) => {
  const dir = t.testdir({
    'broken.json': '{ "type": ',
    'keyword.json': '{ "type": "object", "propertys": {} }',
    'pattern.json': String.raw`{ "type": "object", "properties": { "a": { "pattern": "(a)\\1" } } }`,
    'bomb.yaml': `a: &a [1,2,3,4,5,6,7,8,9]\n${['b', 'c', 'd', 'e']
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcd'[index]}`).join(',')}]`)
      .join('\n')}\n`,
  })
  const messageOf = (file: string): string => {
    try {
      parseConfig(`schemas: { x: { file: ${file} } }${least}`, 'c.yaml', dir, host)
      return ''
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
  }
  const place = /c\.yaml:1:23: schemas\.x\.file: expected a JSON Schema document, found /
  for (const [file, reason] of [
    ['none.json', /ENOENT/],
    ['broken.json', /Unexpected end of JSON input/],
    ['keyword.json', /unknown keyword propertys/],
    ['pattern.json', /the pattern .* at /],
    ['bomb.yaml', /Excessive alias count/],
  ] as const) {
    t.match(messageOf(file), place, file)
    t.match(messageOf(file), reason, file)
  }
})
