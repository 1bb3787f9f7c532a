import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compileKernelModule, moduleSource } from '../../src/scan/wasm/compile.ts'

t.test('the module in the repository is what its sources are compiled to', async (t) => {
  const path = join(import.meta.dirname, '../../src/scan/wasm/module.ts')
  t.equal(readFileSync(path, 'utf8'), moduleSource(await compileKernelModule()), 'npm run build:kernel')
})
