/** Importing the library does nothing to the program that imports it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const library = JSON.stringify(new URL('../src/index.ts', import.meta.url).href)

const script = `
  // What Node's own modules bring along is not the library's doing.
  import 'node:http'
  import { existsSync, readdirSync } from 'node:fs'
  import { createRequire } from 'node:module'
  const state = () => ({
    globals: Reflect.ownKeys(globalThis).map(String),
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    resources: process.getActiveResourcesInfo(),
    env: Object.keys(process.env),
    threads: existsSync('/proc/self/task') ? readdirSync('/proc/self/task').length : 0,
  })
  const before = state()
  await import(${library})
  const after = state()
  const loaded = Object.keys(createRequire(${library}).cache)
  process.stdout.write(JSON.stringify({ before, after, loaded }))
`

t.test('no threads, no listeners, no globals, nothing that keeps the process alive', async (t) => {
  const args = ['-u', 'NODE_OPTIONS', process.execPath, '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)('env', args)
  const { before, after, loaded } = JSON.parse(stdout)
  t.same({ ...after, threads: 0 }, { ...before, threads: 0 })
  // V8 may end one of its own meanwhile.
  t.ok(after.threads <= before.threads)
  t.ok(loaded.length > 0)
  t.same(
    loaded.filter((file: string) => file.endsWith('/undici/lib/global.js')),
    [],
    'which would take over the global fetch',
  )
})
