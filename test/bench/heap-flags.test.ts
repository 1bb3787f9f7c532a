import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const preload = new URL('../../bench/heap-flags/worker-limits.ts', import.meta.url).href

t.test('workers get other limits than their pool gives them', async (t) => {
  const program = `
    const { Worker } = require('node:worker_threads')
    const resourceLimits = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 96 }
    const worker = new Worker('', { eval: true, resourceLimits })
    process.stdout.write(JSON.stringify(worker.resourceLimits))`
  const args = ['--import', `${preload}?maxYoungGenerationSizeMb=3`, '-e', program]
  const env = { ...process.env, NODE_V8_COVERAGE: undefined, NODE_OPTIONS: undefined }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  t.match(JSON.parse(stdout), { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 96 })
})
