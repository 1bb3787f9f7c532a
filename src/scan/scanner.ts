import { pagesFor, webAssembly } from '../memory/web-assembly.ts'
import type { SharedMemory } from '../memory/web-assembly.ts'
import type { SchemaSpec } from '../schema/spec.ts'
import { planOf } from './plan.ts'
import { Program } from './program.ts'
import { LINE_BREAKS_AT, SEVERITY_AT, TIME_AT } from './wasm/layout.ts'
import { kernelModule } from './wasm/module.ts'

/** What a scanner answers where the slow path must decide. */
export const UNDECIDED = -1

/** One of a worker and schema, over the memory that records are in. What it found in the last accepted record is in the fields. */
export interface RecordScanner {
  /**
   * Newline framing: a line starts at `from`; a raw 0x0A is never a blank. Returns the offset just after the JSON
   * value (before trailing blanks, CR, LF), or UNDECIDED. May read past the extent: the caller guarantees that a 0x0A
   * ends it, and rejects an end beyond it.
   */
  readonly scanLine: (from: number) => number
  /**
   * Structural framing: any JSON blank, and a value that ends at `to` at the latest. Bytes behind `to` may be read, also
   * while another thread writes them; behind all that is ever scanned, the memory has at least 64 bytes of 0x0A, and 64
   * zeros after those.
   */
  readonly scanValue: (from: number, to: number) => number
  /** 0..10 */
  severity: number
  /** Whole epoch milliseconds of the event, NaN when the schema names none or it is absent. */
  timeMs: number
  /** Raw CR or LF stand between the value's tokens: the sealer must blank them. */
  rawBreaks: boolean
}

/** What wasm/assembly/kernel.ts exports. */
interface Kernel {
  readonly scan: (from: number, to: number, newlineIsSpace: number) => number
}

/** Behind all addresses. */
const ANYWHERE = 0x7fffffff
const module = new webAssembly.Module(Buffer.from(kernelModule, 'base64'))

/** A kernel with a memory of its own, in which the schema's program is. */
export function compileScanner(
  spec: SchemaSpec,
  limits: { maxDepth: number },
  memory: SharedMemory,
): RecordScanner {
  const severity = { map: spec.severityMap ?? {}, absent: spec.severityAbsent ?? 0 }
  const { image, tests } = new Program(planOf(spec), limits.maxDepth, severity)
  const pages = pagesFor(image.length)
  const own = new webAssembly.Memory({ initial: pages, maximum: pages })
  new Uint8Array(own.buffer).set(image)
  const results = new Int32Array(own.buffer)
  const times = new Float64Array(own.buffer)
  const text = Buffer.from(memory.buffer)
  const testsHold = (index: number, from: number, to: number): number => {
    const value = text.toString('utf8', from, to)
    return tests[index]!.every((test) => test(value)) ? 1 : 0
  }
  const imports = { env: { memory, testsHold }, own: { memory: own } }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- WebAssembly has no types
  const { scan } = new webAssembly.Instance(module, imports).exports as Kernel

  function note(end: number): number {
    if (end < 0) return UNDECIDED
    scanner.severity = results[SEVERITY_AT >> 2]!
    scanner.timeMs = times[TIME_AT >> 3]!
    scanner.rawBreaks = results[LINE_BREAKS_AT >> 2] !== 0
    return end
  }

  const scanner: RecordScanner = {
    severity: 0,
    timeMs: Number.NaN,
    rawBreaks: false,
    scanLine: (from) => note(scan(from, ANYWHERE, 0)),
    scanValue: (from, to) => note(scan(from, to, 1)),
  }
  return scanner
}
