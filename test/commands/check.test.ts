import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { checkCommand } from '../../src/commands/check.ts'
import type { CheckOptions } from '../../src/commands/check.ts'

function check(options: CheckOptions): { code: number; out: string; err: string } {
  const written = { out: '', err: '' }
  const code = checkCommand(options, {
    out: (text) => void (written.out += text),
    err: (text) => void (written.err += text),
  })
  return { code, ...written }
}

const good = `
sources: { in: { type: http, listen: 127.0.0.1:0, auth: { bearer: hunter2 } } }
sinks: { out: { type: stdout } }
`
const bad =
  'sources: { in: { type: tcp, listen: 127.0.0.1:0, schma: soc } }\nsinks: { out: { type: stdot } }\n'

t.test('a right configuration is printed as YAML with the memory sum below', async (t) => {
  const dir = t.testdir({ 'c.yaml': good })
  const { code, out, err } = check({ config: join(dir, 'c.yaml') })
  t.equal(code, 0)
  t.equal(err, '')
  t.match(parse(out), { data_dir: join(dir, 'data'), sources: { in: { auth: { bearer: '(redacted)' } } } })
  t.match(out, /# Memory at most\n#\s+64\.0 MiB {2}memory\.arena_bytes\n/)
  t.match(out, /# +[\d.]+ MiB {2}in all\n$/)
  t.notMatch(out, /hunter2/)
})

t.test('as JSON', async (t) => {
  const dir = t.testdir({ 'c.yaml': good })
  const { code, out } = check({ config: join(dir, 'c.yaml'), json: true })
  t.equal(code, 0)
  t.match(JSON.parse(out), {
    file: join(dir, 'c.yaml'),
    config: { sinks: { out: { type: 'stdout' } } },
    memory: { totalBytes: Number, items: [{ what: 'memory.arena_bytes', bytes: 64 * 1024 * 1024 }] },
  })
  t.notMatch(out, /hunter2/)
})

t.test('without a file, the embedded default', async (t) => {
  const { code, out } = check({})
  t.equal(code, 0)
  t.match(out, /^# \(embedded default\)\n/)
})

t.test('all that is wrong, and exit code 2', async (t) => {
  const dir = t.testdir({ 'c.yaml': bad })
  const file = join(dir, 'c.yaml')
  const { code, out, err } = check({ config: file })
  t.equal(code, 2)
  t.equal(out, '')
  const lines = err.split('\n')
  t.equal(lines[0], `the configuration ${file} has 2 errors:`)
  t.match(lines[1], `${file}:1:50: sources.in.schma: expected one of the keys`)
  t.match(lines[1], /; did you mean schema\?$/)
  t.equal(
    lines[2],
    `${file}:2:23: sinks.out.type: expected http, elasticsearch, file, stdout or blackhole, found "stdot"; did you mean stdout?`,
  )

  const json = check({ config: file, json: true })
  t.equal(json.code, 2)
  t.match(JSON.parse(json.out), {
    code: 'SPW_ERR_CONFIG_INVALID',
    errors: [
      { kind: 'unknown_key', path: 'sources.in.schma', line: 1, column: 50, nearest: 'schema' },
      { kind: 'invalid', path: 'sinks.out.type', line: 2, found: '"stdot"' },
    ],
  })
})

t.test('a file that is not there', async (t) => {
  const { code, err } = check({ config: '/nowhere/c.yaml' })
  t.equal(code, 2)
  t.equal(err, 'cannot read the configuration file /nowhere/c.yaml: ENOENT\n')
  t.match(JSON.parse(check({ config: '/nowhere/c.yaml', json: true }).out), {
    code: 'SPW_ERR_CONFIG_UNREADABLE',
  })
})
