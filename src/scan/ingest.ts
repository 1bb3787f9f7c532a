import type { Arena } from '../memory/arena.ts'
import { Control } from '../memory/control.ts'
import { ENTRY, ExtentRing, RESULT } from '../memory/extent-ring.ts'
import {
  RUN,
  RUN_BEGIN,
  RUN_COUNTED,
  RUN_END,
  RUN_KIND,
  RUN_KIND_MASK,
  RUN_OUTCOME,
} from '../memory/frame-region.ts'
import { Extent } from './extent.ts'
import { kindOf, NOT_YET } from './framing/auto.ts'
import { DocumentFramer, EXPECTS } from './framing/documents.ts'
import { frameLines } from './framing/lines.ts'
import { frameMessages } from './framing/messages.ts'
import { behindLength, skipSeparators } from './framing/octets.ts'
import { compileKernel } from './kernel.ts'
import type { SourceKernel } from './kernel.ts'
import { compileRouter } from './where.ts'
import type { ExtentErrors, WorkerContext } from './worker-context.ts'

const LF = 0x0a
const SPACE = 0x20
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * The `ingest` task: an extent of a source's ring is framed, scanned, validated and classified in place; accepted
 * records go into the table of its frame region, refused ones become dead letters in its output. One instance a worker.
 *
 * A run without RUN_END that is not made of lines is the last of its extent: what it lacks (result MORE) must come
 * directly behind it.
 */
export class Ingestor {
  readonly #context: WorkerContext
  readonly #extent: Extent
  readonly #documents = new DocumentFramer()
  readonly #rings: readonly ExtentRing[]
  /** By source, then by its rules (ENTRY.RULES). */
  readonly #kernels: SourceKernel[][]

  constructor(arena: Arena, context: WorkerContext) {
    this.#context = context
    const router = context.filters.length > 0 ? compileRouter(context.filters) : null
    this.#extent = new Extent(arena, router, new Control(context.control), context.checksums)
    this.#rings = context.sources.map((source) => new ExtentRing(source.ring))
    this.#kernels = context.sources.map(() => [])
  }

  /** Does (or resumes) one entry; the answer is in the ring. Returns the refusals that requests are told about. */
  ingest(source: number, entry: number): ExtentErrors {
    const extent = this.#extent
    const ring = this.#rings[source]!
    const rules = ring.words[ring.base(entry) + ENTRY.RULES]!
    extent.open(this.#kernelOf(source, rules), ring, entry)
    for (let run = 0; run < extent.runs; run++) {
      const from = extent.runValue(run, RUN.FROM)
      const to = run + 1 < extent.runs ? extent.runValue(run + 1, RUN.FROM) : extent.to
      const kind = extent.runValue(run, RUN.KIND)
      const structural =
        (kind & RUN_KIND_MASK) === RUN_KIND.DOCUMENTS || (kind & RUN_KIND_MASK) === RUN_KIND.AUTO
      extent.beginRun(run, structural)
      // Once there is no room, the runs that follow have no records yet.
      if (extent.result !== RESULT.DONE) extent.endRun(RUN_OUTCOME.OK, extent.runValue(run, RUN.STATE))
      else if (structural) this.#frameStructure(run, from, to, kind)
      else this.#frameLines(run, from, to, kind)
    }
    extent.seal()
    return extent.errors
  }

  /** Compiled when it is first needed. */
  #kernelOf(index: number, rules: number): SourceKernel {
    const kernels = this.#kernels[index]!
    if (kernels[rules] !== undefined) return kernels[rules]
    const source = this.#context.sources[index]!
    const judged = rules === 0 ? source : { ...source, ...source.otherRules![rules - 1]! }
    return (kernels[rules] = compileKernel(judged, index, this.#extent.arena))
  }

  #frameLines(run: number, from: number, to: number, kind: number): void {
    const extent = this.#extent
    let reached = to
    switch (kind & RUN_KIND_MASK) {
      case RUN_KIND.OVERSIZE: {
        const first = (kind & RUN_COUNTED) === 0 ? from : behindLength(extent.bytes, from, to)
        const length = Math.max(extent.runValue(run, RUN.LENGTH), to - from) - (first - from)
        if (!this.#refuse(first, to, 'oversize_record', extent.kernel.sizeRule, length)) reached = from
        break
      }
      case RUN_KIND.BROKEN: {
        const first = extent.kernel.decoder === null ? from : skipSeparators(extent.bytes, from, to)
        const end = extent.bytes[to - 1] === LF ? to - 1 : to
        if (!this.#refuse(first, end, 'bad_framing', 'a complete record before the stream ends', end - first))
          reached = from
        break
      }
      default: {
        const first = (kind & RUN_BEGIN) !== 0 ? this.#skipMark(from, to) : from
        reached =
          extent.kernel.decoder === null
            ? frameLines(extent, first, to)
            : frameMessages(extent, kind & RUN_KIND_MASK, first, to)
      }
    }
    this.#endRun(RUN_OUTCOME.OK, 0, reached)
  }

  /** A record of which the main thread knows that it is none. */
  #refuse(
    from: number,
    to: number,
    category: 'oversize_record' | 'bad_framing',
    expected: string,
    length: number,
  ): boolean {
    return !this.#extent.isFull() && this.#extent.reject(from, to, category, '', expected, length)
  }

  #frameStructure(run: number, runFrom: number, to: number, kind: number): void {
    const extent = this.#extent
    const ended = (kind & RUN_END) !== 0
    const state = extent.runValue(run, RUN.STATE)
    const from = state === EXPECTS.BEGINNING ? this.#skipMark(runFrom, to) : runFrom
    let framing: number = RUN_KIND.DOCUMENTS
    if (state === EXPECTS.LINE) framing = RUN_KIND.LINES
    else if (state === EXPECTS.BEGINNING && isCutMark(extent.bytes, from, to, ended)) framing = NOT_YET
    else if (state === EXPECTS.BEGINNING && (kind & RUN_KIND_MASK) === RUN_KIND.AUTO) {
      framing = kindOf(extent.bytes, from, to, ended, extent.kernel)
    }
    if (framing === RUN_KIND.LINES) this.#frameWholeLines(from, to, ended)
    else if (framing === NOT_YET) {
      extent.result = RESULT.MORE
      this.#endRun(RUN_OUTCOME.OK, state, from)
    } else {
      const documents = this.#documents
      const reached = documents.frame(extent, from, to, state, ended)
      this.#endRun(documents.outcome, documents.state, reached)
    }
  }

  /** An AUTO run that turned out to be lines. */
  #frameWholeLines(from: number, to: number, ended: boolean): void {
    const extent = this.#extent
    let wholeTo = to
    if (!ended) while (wholeTo > from && extent.bytes[wholeTo - 1] !== LF) wholeTo--
    const reached = frameLines(extent, from, wholeTo)
    if (reached === wholeTo && wholeTo < to) extent.result = RESULT.MORE
    this.#endRun(RUN_OUTCOME.LINES, EXPECTS.LINE, reached)
  }

  #endRun(outcome: number, state: number, reached: number): void {
    this.#extent.endRun(outcome, state)
    if (this.#extent.result !== RESULT.DONE) this.#extent.consumed = reached
  }

  /** A BOM at the start of a stream is no part of its first record: in its place stand blanks. */
  #skipMark(from: number, to: number): number {
    const { bytes } = this.#extent
    if (to - from < BYTE_ORDER_MARK.length) return from
    if (BYTE_ORDER_MARK.some((byte, i) => bytes[from + i] !== byte)) return from
    bytes.fill(SPACE, from, from + BYTE_ORDER_MARK.length)
    return from + BYTE_ORDER_MARK.length
  }
}

/** Whether all that is there of a stream is the beginning of a BOM. */
function isCutMark(bytes: Uint8Array, from: number, to: number, ended: boolean): boolean {
  if (ended || to === from || to - from >= BYTE_ORDER_MARK.length) return false
  for (let at = from; at < to; at++) if (bytes[at] !== BYTE_ORDER_MARK[at - from]) return false
  return true
}
