/**
 * Compiles the scan kernel:
 *
 *     npm run build:kernel
 *
 * AssemblyScript makes text of it; there the accesses to the scanner's own memory (own.ts) become instructions; binaryen
 * makes it small and fast. The module is kept in the repository (module.ts), so that neither a checkout nor the
 * package needs a compiler; a test compares it with what this makes.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main as assemble } from 'assemblyscript/asc'
import binaryen from 'binaryen'

const OPTIONS =
  '--textFile kernel.wat -O3 --runtime stub --noAssert --use abort= ' +
  '--importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --enable simd --enable threads ' +
  // Vectors are exchanged with imports that will be none.
  '--disableWarning 112'

const CODE_FILE = join(import.meta.dirname, 'module.ts')

/** Instructions of own.ts by the name of their import. */
const INSTRUCTIONS: Readonly<Record<string, readonly [type: string, instruction: string]>> = {
  load32: ['i32', 'i32.load'],
  load64: ['i64', 'i64.load'],
  loadF64: ['f64', 'f64.load'],
  load128: ['v128', 'v128.load'],
  store32: ['i32', 'i32.store'],
  store64: ['i64', 'i64.store'],
  storeF64: ['f64', 'f64.store'],
  store128: ['v128', 'v128.store'],
}

/** The module's code. */
export async function compileKernelModule(): Promise<Uint8Array> {
  const module = binaryen.parseText(withOwnMemory(await assemblyText()))
  module.setFeatures(binaryen.Features.All)
  binaryen.setOptimizeLevel(3)
  binaryen.setShrinkLevel(0)
  module.optimize()
  if (module.validate() === 0) throw new Error('the kernel is no valid module')
  return module.emitBinary()
}

async function assemblyText(): Promise<string> {
  let text = ''
  const { error } = await assemble(
    ['kernel.ts', ...OPTIONS.split(' '), '--baseDir', join(import.meta.dirname, 'assembly')],
    {
      stderr: process.stderr,
      writeFile: (_name, contents) => void (text = String(contents)),
    },
  )
  if (error !== null) throw error
  return text
}

function withOwnMemory(text: string): string {
  const functions: string[] = []
  const rest = text
    .replaceAll(/^ \(import "own" "(\w+)" \(func (\S+) .*$/gm, (_, name: string, id: string) => {
      const [type, instruction] = INSTRUCTIONS[name]!
      functions.push(
        name.startsWith('store')
          ? `(func ${id} (param i32 ${type}) (${instruction} $own (local.get 0) (local.get 1)))`
          : `(func ${id} (param i32) (result ${type}) (${instruction} $own (local.get 0)))`,
      )
      return ''
    })
    .replace(/^ \(import "env" "memory".*$/m, '$& (import "own" "memory" (memory $own 1 65536))')
  return rest.replace(/\)\s*$/, `${functions.join('\n')})`)
}

export function moduleSource(code: Uint8Array): string {
  const lines = Buffer.from(code)
    .toString('base64')
    .match(/.{1,100}/g)!
  return `/** What the sources in assembly are compiled to, made by \`npm run build:kernel\`. */
export const kernelModule =
${lines.map((line) => `  '${line}'`).join(' +\n')}
`
}

if (import.meta.main) writeFileSync(CODE_FILE, moduleSource(await compileKernelModule()))
