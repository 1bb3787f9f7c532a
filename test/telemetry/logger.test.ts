import { spawn, spawnSync } from 'node:child_process'
import t from 'tap'
import { recordingLogger } from './fixtures/recording-logger.ts'

t.test('levels', async (t) => {
  const quiet = recordingLogger('warn')
  quiet.logger.info('not this')
  quiet.logger.warn({ event: 'x' }, 'this')
  t.strictSame(quiet.lines, [{ level: 'warn', event: 'x', msg: 'this' }])
  const silent = recordingLogger('silent')
  silent.logger.fatal('nothing')
  t.strictSame(silent.lines, [])
  const unknown = recordingLogger('loud')
  unknown.logger.info('at info')
  unknown.logger.debug('not this')
  t.strictSame(unknown.lines, [
    { level: 'warn', event: 'log_level_unknown', level_asked: 'loud', msg: 'unknown log level: using info' },
    { level: 'info', msg: 'at info' },
  ])
})

t.test('lines go to standard error, all of them, also when the process ends at once', async (t) => {
  const code = `
    const { createLogger } = await import(${JSON.stringify(new URL('../../src/telemetry/logger.ts', import.meta.url).href)})
    const logger = createLogger()
    for (let n = 0; n < 1000; n++) logger.info({ n }, 'line')
  `
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
  })
  t.equal(stdout, '')
  const lines = stderr.trim().split('\n')
  t.equal(lines.length, 1000)
  t.match(JSON.parse(lines.at(-1)!), { level: 'info', n: 999, msg: 'line', time: /^\d{4}-.*Z$/ })
})

t.test('a process whose log nobody reads any more can end', async (t) => {
  const logger = JSON.stringify(new URL('../../src/telemetry/logger.ts', import.meta.url).href)
  const program = `
    import { createLogger, flushLogs } from ${logger}
    const logger = createLogger()
    process.stdin.once('data', async () => {
      for (let i = 0; i < 200; i++) logger.info('x'.repeat(1000))
      await flushLogs(500)
      process.exit(3)
    })
    process.stdout.write('ready')`
  for (const reader of ['is gone', 'stands still']) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' })
    t.teardown(() => child.kill('SIGKILL'))
    child.stdin.on('error', () => {})
    if (reader === 'is gone') child.stderr.destroy()
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdin.write('go')
    const code = await new Promise((resolve) => child.on('exit', resolve))
    t.equal(code, 3, `the reader ${reader}`)
  }
})
