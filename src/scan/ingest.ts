import type { Arena } from '../memory/arena.ts'
import { ExtentRing, RESULT, STATE } from '../memory/extent-ring.ts'
import { RUN, RUN_BEGIN, RUN_KIND, RUN_KIND_MASK, RUN_OUTCOME } from '../memory/frame-region.ts'
import { Extent } from './extent.ts'
import { compileKernel } from './kernel.ts'
import type { SourceKernel } from './kernel.ts'
import { frameLines } from './framing/lines.ts'
import { compileRouter } from './where.ts'
import type { RecordError, WorkerContext } from './worker-context.ts'

/**
 * The `ingest` task: an extent of a source's ring is framed, scanned, validated and classified in place; accepted
 * records go into the table of its frame region, refused ones become dead letters in its output. One instance a worker.
 */
export class Ingestor {
  readonly #context: WorkerContext
  readonly #extent: Extent
  readonly #rings: readonly ExtentRing[]
  readonly #kernels: (SourceKernel | undefined)[] = []

  constructor(arena: Arena, context: WorkerContext) {
    this.#context = context
    this.#extent = new Extent(arena, context.filters.length > 0 ? compileRouter([...context.filters]) : null)
    this.#rings = context.sources.map((source) => new ExtentRing(source.ring))
  }

  /** Does (or resumes) one entry; the answer is in the ring. Returns the refusals that requests are told about. */
  ingest(source: number, entry: number): RecordError[] | undefined {
    const ring = this.#rings[source]!
    ring.setState(entry, STATE.WORKING)
    const kernel = (this.#kernels[source] ??= compileKernel(this.#context.sources[source]!, source))
    const extent = this.#extent
    extent.open(kernel, ring, entry)
    for (let run = 0; run < extent.runs; run++) {
      const from = extent.runValue(run, RUN.FROM)
      const to = run + 1 < extent.runs ? extent.runValue(run + 1, RUN.FROM) : extent.to
      if (extent.result === RESULT.DONE) this.#run(extent, run, from, to)
      else {
        extent.beginRun(run)
        extent.endRun(RUN_OUTCOME.OK, extent.runValue(run, RUN.STATE))
      }
    }
    extent.seal()
    ring.setState(entry, STATE.DONE)
    return extent.errors
  }

  #run(extent: Extent, run: number, runFrom: number, to: number): void {
    extent.beginRun(run)
    const kind = extent.runValue(run, RUN.KIND)
    const from = kind & RUN_BEGIN ? skipByteOrderMark(extent.bytes, runFrom, to) : runFrom
    let outcome: number = RUN_OUTCOME.OK
    let reached = to
    switch (kind & RUN_KIND_MASK) {
      case RUN_KIND.LINES:
        reached = frameLines(extent, from, to)
        break
      case RUN_KIND.OVERSIZE: {
        const length = extent.runValue(run, RUN.LENGTH)
        if (!extent.reject(from, to, 'oversize_record', '', extent.kernel.sizeRule, length)) reached = from
        break
      }
      case RUN_KIND.BROKEN:
        if (!extent.reject(from, to, 'bad_framing', '', 'a complete record before the stream ends')) reached = from
        break
      default:
        outcome = RUN_OUTCOME.BAD_FRAMING
    }
    extent.endRun(outcome, extent.runValue(run, RUN.STATE))
    if (extent.result !== RESULT.DONE) extent.consumed = reached
  }
}

/** A BOM at the start of a stream is no part of its first record. */
function skipByteOrderMark(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 3 || bytes[from] !== 0xef || bytes[from + 1] !== 0xbb || bytes[from + 2] !== 0xbf) return from
  // In a shared extent it stands between two records: blanks are what may stand there.
  bytes.fill(0x20, from, from + 3)
  return from + 3
}
