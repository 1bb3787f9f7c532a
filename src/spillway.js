#!/usr/bin/env node
// The launcher: plain JavaScript, so that an old Node can read it and say what is missing.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`spillway needs Node.js 22.19 or newer, this is ${process.version}\n`)
  process.exit(2)
}
// libuv reads this when its pool first starts: disk commits must not wait behind DNS look-ups.
process.env.UV_THREADPOOL_SIZE ??= '8'

// Body buffers of node:http die young, but what they hold counts as memory outside the heap. From a young generation of
// the default size many are promoted, and marking them took up to a third of all CPU (`npm run bench -- http-4`: 2.5
// CPU-seconds per million events with 4 MiB, 3.6 without). V8 reads this only when it starts, so the process starts anew
// in its own place; it keeps its pid.
const YOUNG_GENERATION = '--max-semi-space-size'
if (process.argv[2] === 'run' && !process.execArgv.some((option) => option.startsWith(YOUNG_GENERATION))) {
  const script = fileURLToPath(import.meta.url)
  const options = [`${YOUNG_GENERATION}=4`, ...process.execArgv]
  process.execve?.(
    process.execPath,
    [process.execPath, ...options, script, ...process.argv.slice(2)],
    process.env,
  )
}

const checkout = new URL('./cli.ts', import.meta.url)
await import(existsSync(checkout) ? checkout.href : new URL('../dist/src/cli.js', import.meta.url).href)
