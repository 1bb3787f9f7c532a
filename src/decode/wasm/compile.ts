/**
 * Compiles the text kernel, part of `npm run build:kernel`. The module is kept in the repository (text-module.ts), so that
 * neither a checkout nor the package needs a compiler; a test compares it with what this makes.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main as assemble } from 'assemblyscript/asc'

const ASSEMBLY = join(import.meta.dirname, 'assembly')
const MODULE_FILE = join(import.meta.dirname, 'text-module.ts')

/** The text of text-module.ts. */
export async function compileTextModule(): Promise<string> {
  const options =
    '--outFile text.wasm -O3 --runtime stub --noAssert --enable simd --enable threads ' +
    '--importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536'
  let code: Uint8Array = new Uint8Array()
  const { error } = await assemble(['text.ts', ...options.split(' '), '--baseDir', ASSEMBLY], {
    writeFile: (_name, contents) => void (code = Buffer.from(contents)),
  })
  if (error !== null) throw error
  const lines = Buffer.from(code)
    .toString('base64')
    .match(/.{1,100}/g)!
  return `/** The text kernel of src/decode/wasm/assembly, made by \`npm run build:kernel\`. */
export const textModule =
${lines.map((line) => `  '${line}'`).join(' +\n')}
`
}

if (import.meta.main) writeFileSync(MODULE_FILE, await compileTextModule())
