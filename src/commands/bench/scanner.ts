/** Speed of one thread that validates, with the scanner that workers use. */
import { memoryOf } from '../../memory/web-assembly.ts'
import { compileScanner } from '../../scan/scanner.ts'
import type { SchemaSpec } from '../../schema/spec.ts'
import type { Sample } from './sample-events.ts'
import { threadTimes } from './thread-times.ts'

/** As sources have it by default. */
const MAX_DEPTH = 256
const LF = 0x0a

/** Per second of CPU time, so that others who are at work count for little. */
export interface ScannerReport {
  readonly gigabytes_per_cpu_second: number
  readonly events_per_cpu_second: number
  /** Share of the events that the scanner leaves to `JSON.parse`, or that are refused: these are far slower. */
  readonly undecided_share: number
}

/** Walks the sample again and again; the second half of the time counts, when the code is compiled. */
export function measureScanner(schema: SchemaSpec, sample: Sample, budgetMs: number): ScannerReport {
  const { bytes } = sample
  const { length } = bytes
  const { scanLine } = compileScanner(schema, { maxDepth: MAX_DEPTH }, memoryOf(bytes))
  let undecided = 0
  const walk = (): void => {
    undecided = 0
    for (let at = 0; at < length; at++) {
      const end = scanLine(at)
      if (end < 0) undecided++
      // Behind the value there may be blanks, and a CR.
      if (end < 0 || bytes[end] !== LF) at = bytes.indexOf(LF, Math.max(at, end))
      else at = end
    }
  }
  const startMs = performance.now()
  while (performance.now() - startMs < budgetMs / 2) walk()
  const warmMs = performance.now()
  const warmS = cpuSeconds()
  let rounds = 0
  for (; performance.now() - warmMs < budgetMs / 2; rounds++) walk()
  const seconds = cpuSeconds() - warmS
  return {
    gigabytes_per_cpu_second: (rounds * length) / seconds / 1e9,
    events_per_cpu_second: (rounds * sample.events) / seconds,
    undecided_share: undecided / sample.events,
  }
}

/** Of this thread; where the system doesn't tell, by the clock. */
function cpuSeconds(): number {
  return threadTimes(process.pid)?.mainS ?? performance.now() / 1000
}
