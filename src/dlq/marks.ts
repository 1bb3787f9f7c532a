/**
 * A letter that was replayed or purged stays where it is, in a file that is only appended to; that it has left the queue is
 * told by a line of the marks file beside it, `<source>.<sequence>.marks`:
 *
 *     {"kind":"purged","lines":[[17,17],[20,35]],"totals":{"replayed":0,"purged":17}}
 *
 * `lines`: first and last, counted from 1, none of them marked before. `totals`: what the whole queue had counted by then, this
 * line included; so a mark and its count become durable with one write, and no crash comes between.
 */
/* oxlint-disable no-await-in-loop -- one block after another */
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import type { FileIo } from '../base/file-io.ts'
import { LETTER_LINE_MAX } from './letter-id.ts'
import type { LetterRun } from './letter-id.ts'
import { forEachLine, wholeLines } from './whole-lines.ts'

export const MARK_KINDS = ['replayed', 'purged'] as const
export type MarkKind = (typeof MARK_KINDS)[number]
/** Letters that have left the queue, by how, over all its files. */
export type MarkTotals = Readonly<Record<MarkKind, number>>
/** First and last line. */
export type MarkedLines = readonly [first: number, last: number]

const lineNumber = Type.Integer({ minimum: 1, maximum: LETTER_LINE_MAX })
const total = Type.Integer({ minimum: 0 })
const markSchema = Type.Object({
  kind: Type.Union([Type.Literal('replayed'), Type.Literal('purged')]),
  lines: Type.Array(Type.Tuple([lineNumber, lineNumber])),
  totals: Type.Object({ replayed: total, purged: total }),
})

/** Lines of a file, a bit each: at most 8 MiB, as a rule some kilobytes. */
export class LineSet {
  /** Lines in it. */
  count = 0
  #bits = new Uint8Array(0)

  has(line: number): boolean {
    return ((this.#bits[line >> 3] ?? 0) & (1 << (line & 7))) !== 0
  }

  /** False where it was in it. */
  add(line: number): boolean {
    if (this.has(line)) return false
    if (line >> 3 >= this.#bits.length) {
      const bits = new Uint8Array(Math.max(64, (line >> 3) + 1, this.#bits.length * 2))
      bits.set(this.#bits)
      this.#bits = bits
    }
    this.#bits[line >> 3]! |= 1 << (line & 7)
    this.count++
    return true
  }
}

export interface ReadMarks {
  readonly lines: LineSet
  /** The highest that were told. */
  readonly totals: MarkTotals
  /** Length of the whole lines. */
  readonly bytes: number
}

/**
 * What a marks file says of the first `letters` lines; nothing where there is none. Changes nothing. Lines that can't be
 * understood are passed over.
 */
export async function readMarks(io: FileIo, path: string, letters = LETTER_LINE_MAX): Promise<ReadMarks> {
  const lines = new LineSet()
  const totals = { replayed: 0, purged: 0 }
  let bytes = 0
  const file = await io.open(path, 'read').catch(nullIfMissing)
  if (file === null) return { lines, totals, bytes }
  try {
    for await (const block of wholeLines(file, Infinity)) {
      bytes += block.length
      forEachLine(block, (from, to) => {
        const mark = parseMark(block.toString('utf8', from, to))
        if (mark === null) return
        for (const [first, last] of mark.lines) {
          for (let line = first; line <= Math.min(last, letters); line++) lines.add(line)
        }
        for (const kind of MARK_KINDS) totals[kind] = Math.max(totals[kind], mark.totals[kind])
      })
    }
  } finally {
    await file.close().catch(() => {})
  }
  return { lines, totals, bytes }
}

export function formatMark(kind: MarkKind, lines: readonly MarkedLines[], totals: MarkTotals): Buffer {
  return Buffer.from(`${JSON.stringify({ kind, lines, totals })}\n`)
}

/** Of `runs`, the lines up to `lastLine` that are not in `marked`, joined and each once. */
export function newlyMarked(
  runs: readonly LetterRun[],
  lastLine: number,
  marked: LineSet,
): { readonly lines: readonly MarkedLines[]; readonly count: number } {
  const lines: [number, number][] = []
  const seen = new LineSet()
  for (const { line: first, count = 1 } of runs) {
    for (let line = Math.max(1, first); line < first + count && line <= lastLine; line++) {
      if (marked.has(line) || !seen.add(line)) continue
      const before = lines.at(-1)
      if (before?.[1] === line - 1) before[1] = line
      else lines.push([line, line])
    }
  }
  return { lines, count: seen.count }
}

function parseMark(text: string) {
  try {
    const mark: unknown = JSON.parse(text)
    return Check(markSchema, mark) ? mark : null
  } catch {
    return null
  }
}

export function nullIfMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}
