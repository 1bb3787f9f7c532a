import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../../src/app/config/load.ts'
import { interpolate } from '../../../src/app/config/interpolate.ts'
import { host, parse, problemsOf, withSink, withSource } from './fixtures/configs.ts'

const surroundings = {
  env: { TOKEN: 's3cret', EMPTY: '', NESTED: '${TOKEN}' },
  baseDir: '/base',
  readText: (path: string): string => `read ${path}\n`,
}

t.test('references and escapes', async (t) => {
  const cases: [string, string, boolean][] = [
    ['plain', 'plain', false],
    ['${TOKEN}', 's3cret', true],
    ['a-${TOKEN}-${EMPTY}-z', 'a-s3cret--z', true],
    ['$${TOKEN}', '${TOKEN}', false],
    ['$$$${TOKEN}', '$${TOKEN}', false],
    ['$$${TOKEN}', '$s3cret', true],
    ['costs $5 $', 'costs $5 $', false],
    ['${NESTED}', '${TOKEN}', true],
    ['${file:/run/secret}', 'read /run/secret', true],
    ['${file:secrets/token}', 'read /base/secrets/token', true],
  ]
  for (const [written, text, secret] of cases)
    t.same(interpolate(written, surroundings), { text, secret }, written)
})

t.test('references without a value', async (t) => {
  const cases: [string, string][] = [
    ['${UNSET}', '${UNSET}, which is not set'],
    ['${toString}', '${toString}, which is not set'],
    ['${}', '${}, which is no name of a variable'],
    ['${A-B}', '${A-B}, which is no name of a variable'],
    ['x${TOKEN', '${TOKEN without its }'],
  ]
  for (const [written, reason] of cases) t.same(interpolate(written, surroundings), { reason }, written)
})

t.test('one line break at the end of a file is not part of the secret', async (t) => {
  const dir = t.testdir({ token: 'abc\n\n', crlf: 'abc\r\n', none: 'abc' })
  const bearer = (file: string) => {
    const { config } = parseConfig(withSink(`headers: { X-A: "\${file:${file}}" }`), 'c.yaml', dir, host)
    const [sink] = config.sinks
    return sink?.type === 'http' ? sink.headers['X-A'] : undefined
  }
  t.equal(bearer('crlf'), 'abc')
  t.equal(bearer('none'), 'abc')
  t.throws(() => bearer('token'), /expected a text of printable ASCII, found \(redacted\)/)
})

t.test('a secret file is read up to a limit and must be UTF-8', async (t) => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'folder'))
  writeFileSync(join(dir, 'long'), 'x'.repeat(65 * 1024))
  writeFileSync(join(dir, 'binary'), Buffer.from([0xff, 0xfe]))
  const load = (file: string) =>
    parseConfig(withSink(`auth: { bearer: "\${file:${file}}" }`), 'c.yaml', dir, host)
  t.throws(() => load('long'), /longer than 65536 bytes/)
  t.throws(() => load('binary'), /not UTF-8/)
  t.throws(() => load('folder'), /EISDIR/)
  t.throws(() => load('/dev/zero'), /longer than 65536 bytes/)
})

t.test('secrets reach the program and are never shown', async (t) => {
  const { config, shown } = parse(
    withSink(`headers: { X-Api-Key: hunter2a, Cookie: hunter2b, X-Plain: seen, X-Env: "a-\${VALUE}" },
      auth: { basic: { username: hunter2c, password: hunter2d } },
      batch: { max_events: "\${COUNT}", max_bytes: "\${SIZE}" },
      tls: { verify: "\${VERIFY}" }`).replace('example/', 'example/in?key=hunter2e'),
    { env: { VALUE: 'hunter2f', COUNT: '77', SIZE: '4KiB', VERIFY: 'false' } },
  )
  const [sink] = config.sinks
  if (sink?.type !== 'http') throw new Error('no http sink')
  t.same(sink.headers, {
    'X-Api-Key': 'hunter2a',
    Cookie: 'hunter2b',
    'X-Plain': 'seen',
    'X-Env': 'a-hunter2f',
  })
  t.same(sink.auth, { basic: { username: 'hunter2c', password: 'hunter2d' } })
  t.same(sink.batch, { maxEvents: 77, maxBytes: 4096, maxAgeMs: 2000 })
  t.equal(sink.tls.verify, false)
  t.equal(sink.url, 'https://siem.example/in?key=hunter2e')

  const text = JSON.stringify(shown)
  t.notMatch(text, /hunter2/)
  t.match(text, /"X-Plain":"seen"/)
  t.match(text, /"X-Env":"\(redacted\)"/)
  t.match(text, /"max_events":"\(redacted\)"/)
  t.match(text, /"password":"\(redacted\)"/)
  t.match(text, /in\?\(redacted\)/)
})

t.test('inputs from the environment are not shown either', async (t) => {
  const { config, shown } = parse(withSink('inputs: ["${S}"]'), { env: { S: 'in' } })
  t.same(config.sinks[0]?.inputs, ['in'])
  t.match(shown, { sinks: { out: { inputs: ['(redacted)'] } } })
})

t.test('a token of digits stays a text', async (t) => {
  const { config } = parse(withSource('listen: 127.0.0.1:0, auth: { bearer: "${T}" }'), {
    env: { T: '0123' },
  })
  const [source] = config.sources
  t.same(source?.type === 'http' && source.auth, { bearer: '0123' })
})

t.test('secrets are in no error message', async (t) => {
  const env = { S: 'hunter2' }
  const texts = [
    withSink('batch: { max_bytes: "${S}" }, method: "${S}", inputs: ["${S}"]'),
    withSink('where: { severity: { gte: "${S}" } }, request: { concurrency: "${S}" }'),
    withSink('tls: { ca: "${S}" }, headers: "${S}", rate_limit: "${S}"'),
    withSink('inputs: ["${S}"], tls: { ca: "${S}" }'),
    withSource('listen: "${S}", schema: "${S}", auth: [hunter2]'),
    withSource('listen: 127.0.0.1:0, schema: "${S}"'),
    withSource('listen: 127.0.0.1:0, type: "${S}"').replace('type: http, ', ''),
  ]
  for (const text of texts) {
    const lines = problemsOf(text, { env })
    t.not(lines.length, 0, text)
    t.notMatch(lines.join('\n'), /hunter2/, text)
  }
})
