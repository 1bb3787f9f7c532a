import { webAssembly } from '../../src/memory/web-assembly.ts'
import { compileScanner } from '../../src/scan/scanner.ts'
import type { SchemaSpec } from '../../src/schema/spec.ts'

const PAGE_BYTES = 65_536
const PAGES = 64
const SLACK_BYTES = 64

/** A scanner of bytes that are in no arena: they are put into a memory, at its beginning, line feeds behind them. */
export function scannerOf(spec: SchemaSpec, limits: { maxDepth: number }) {
  const memory = new webAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true })
  const target = new Uint8Array(memory.buffer)
  const scanner = compileScanner(spec, limits, memory)
  function put(bytes: Uint8Array): void {
    if (bytes.length > PAGES * PAGE_BYTES - 2 * SLACK_BYTES)
      throw new RangeError('more bytes than the memory takes')
    target.set(bytes)
    target.fill(0x0a, bytes.length, bytes.length + SLACK_BYTES)
  }
  return {
    scanLine(bytes: Uint8Array, from: number): number {
      put(bytes)
      return scanner.scanLine(from)
    },
    scanValue(bytes: Uint8Array, from: number, to = bytes.length): number {
      put(bytes)
      return scanner.scanValue(from, to)
    },
    get severity() {
      return scanner.severity
    },
    get timeMs() {
      return scanner.timeMs
    },
    get rawBreaks() {
      return scanner.rawBreaks
    },
  }
}
