#!/usr/bin/env node
// The launcher: plain JavaScript, so that an old Node can read it and say what is missing.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`spillway needs Node.js 22.19 or newer, this is ${process.version}\n`)
  process.exit(2)
}
// libuv reads this when its pool first starts: disk commits must not wait behind DNS look-ups.
process.env.UV_THREADPOOL_SIZE ??= '8'
const checkout = new URL('./cli.ts', import.meta.url)
await import(existsSync(checkout) ? checkout.href : new URL('../dist/src/cli.js', import.meta.url).href)
