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

// Next to nothing that is young outlives its collection: a few MiB of millions of events. A million of them over TCP, with the
// start, take 46 collections in all threads, 150 with 1 MiB, and 28 with 16 MiB, for 15 MiB more that is resident; what the CPU
// takes could not be told apart (`npm run bench:heap -- tcp-2`). It matters where node:http reads the bodies (TLS, chunks): its
// buffers hold memory outside the heap, many are promoted from a generation of the default size, and marking them took up to a
// third of all CPU. The flag goes before the limits of the workers (src/pipeline/limits.ts). V8 reads it only when it starts, so
// the process starts anew in its own place; it keeps its pid.
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
