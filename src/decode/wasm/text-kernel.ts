import { Buffer } from 'node:buffer'
import { webAssembly } from '../../memory/web-assembly.ts'
import type { SharedMemory } from '../../memory/web-assembly.ts'
import { textModule } from './text-module.ts'

/** What assembly/text.ts exports. Offsets are in bytes from the memory's start; 63 bytes behind a text may be read. */
export interface TextKernel {
  /** Writes the text [from, to) as it stands in a JSON string to [out, outTo). The offset behind it, -1 without room. */
  readonly escape: (from: number, to: number, out: number, outTo: number) => number
}

export function textKernel(memory: SharedMemory): TextKernel {
  const module = new webAssembly.Module(Buffer.from(textModule, 'base64'))
  const { exports } = new webAssembly.Instance(module, { env: { memory } })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- WebAssembly has no types; the compiler's test has
  return exports as TextKernel
}
