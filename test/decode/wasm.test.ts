import { readFileSync } from 'node:fs'
import t from 'tap'
import { compileTextModule } from '../../src/decode/wasm/compile.ts'

t.test('the text kernel that is kept is what its source makes', async (t) => {
  const kept = new URL('../../src/decode/wasm/text-module.ts', import.meta.url)
  t.equal(await compileTextModule(), readFileSync(kept, 'utf8'), 'npm run build:kernel')
})
