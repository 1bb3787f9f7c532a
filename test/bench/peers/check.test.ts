/** The short form of `npm run bench:check`: ratios of CPU time, so that other tests on the same cores do not matter. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { RATIOS_FILE } from '../../../bench/peers/ratios.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'

const run = promisify(execFile)
const check = fileURLToPath(new URL('../../../bench/peers/check.ts', import.meta.url))
const SCAN = 'scanner / JSON.parse'

/** Without the coverage of this process, which is not what is measured. */
const env = { ...process.env, NODE_V8_COVERAGE: undefined, NODE_OPTIONS: undefined }

t.setTimeout(300_000)

t.test('nothing has become much more expensive than what it is held against', async (t) => {
  const { stdout } = await run(process.execPath, [check, '--quick'], { env })
  t.comment(stdout)
})

t.test('it fails where something has, after a second look', async (t) => {
  const ratios = join(temporaryDirectory(t), 'ratios.json')
  const recorded = JSON.parse(readFileSync(RATIOS_FILE, 'utf8'))
  recorded.quick.ratios[SCAN] /= 20
  writeFileSync(ratios, JSON.stringify(recorded))
  const args = [check, '--quick', SCAN, '--rounds', '1', '--ratios', ratios]
  const failed: unknown = await run(process.execPath, args, { env }).catch((error: unknown) => error)
  t.match(failed, { code: 1, stdout: /once more: scanner/ })
})
