import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const run = promisify(execFile)
const bench = (name: string) => new URL(`../../bench/${name}`, import.meta.url)
const env = {
  ...process.env,
  SPILLWAY_TOOLS: undefined,
  NODE_V8_COVERAGE: undefined,
  NODE_OPTIONS: undefined,
}

t.test('workers get other limits than their pool gives them', async (t) => {
  const program = `
    const { Worker } = require('node:worker_threads')
    const resourceLimits = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 96 }
    const worker = new Worker('', { eval: true, resourceLimits })
    console.log(JSON.stringify(worker.resourceLimits))`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', `${module}?maxYoungGenerationSizeMb=3`, '-e', program],
    { env },
  )
  t.match(JSON.parse(stdout), { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 96 })
})
