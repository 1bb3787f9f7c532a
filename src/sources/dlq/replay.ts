/* oxlint-disable no-await-in-loop -- one slice after another */
import type { LetterId, LetterRun } from '../../dlq/letter-id.ts'
import type { LetterReader } from '../../dlq/letter-reader.ts'
import { recordOf } from '../../dlq/letter.ts'
import type { Letter } from '../../dlq/letter.ts'
import { REPLAY_SLICE_BYTES_MAX } from '../../pipeline/limits.ts'
import type { LetterFeed, OutgoingLetter } from './letter-feed.ts'
import { firstLetters, runsOf } from './plan-file.ts'
import type { ReplayPlan } from './plan-file.ts'
import type { LetterRouting, SkipReason } from './routing.ts'

/** Letters of one plan: what is not yet marked as replayed while it is. */
export const SLICE_LETTERS_MAX = 10_000

const LF = 0x0a
const CR = 0x0d
const TAB = 0x09
const SPACE = 0x20
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** What a replay needs of the source and the queue. */
export interface ReplayParts {
  readonly reader: LetterReader
  readonly routing: LetterRouting
  readonly feed: LetterFeed
  /** Longest line that a stream may be given. */
  readonly lineBytesMax: number
  /** Letters of one plan at most. */
  readonly sliceLetters: number
  /** Events that the source has received, over all runs; null in memory mode, where nothing is left of them after a crash. */
  readonly received: (() => number) | null
  readonly plan: { write(plan: ReplayPlan): Promise<void>; remove(): Promise<void> }
  /** These have left the queue. Returns how many of them were in it. */
  readonly mark: (letters: readonly LetterRun[]) => Promise<number>
}

/**
 * Sends the letters of a selection through the source `dlq`, a slice at a time: the plan of a slice is on disk before its first
 * record is sent, and when all are received its letters are marked. Within a slice, those with the same destination go together.
 */
export class Replay {
  readonly #parts: ReplayParts
  /** Letters that have left the queue. */
  replayed = 0
  readonly skipped: Partial<Record<SkipReason, number>> = {}
  /** Letters that were looked at. */
  chosen = 0
  #slice: OutgoingLetter[] = []
  #sliceBytes = 0
  #stopped = false

  constructor(parts: ReplayParts) {
    this.#parts = parts
  }

  /** What was sent is brought to its end, nothing more is sent; `abandon`: not even that. */
  stop(abandon = false): void {
    this.#stopped = true
    this.#parts.feed.stop(abandon)
  }

  /** Resolves at the end of the selection, or behind `stop`. Rejects when the disk fails. */
  async run(): Promise<void> {
    const { reader, plan, sliceLetters } = this.#parts
    let whole = true
    for await (const { id, letter } of reader) {
      if (this.#stopped) break
      this.chosen++
      this.#take(id, letter)
      if (this.#slice.length >= sliceLetters || this.#sliceBytes >= REPLAY_SLICE_BYTES_MAX)
        whole = await this.#send()
    }
    if (!this.#stopped) whole = await this.#send()
    if (whole) await plan.remove()
  }

  #take(id: LetterId, letter: Letter): void {
    const { routing, lineBytesMax } = this.#parts
    const terms = routing.of(letter)
    if (typeof terms === 'string') {
      this.#skip(terms)
      return
    }
    const record = recordOf(letter)
    if (record === null || isBlank(record)) this.#skip('empty')
    else if (record.length >= lineBytesMax) this.#skip('too_long')
    else {
      this.#slice.push({ id, terms, peer: routing.peerOf(letter), line: lineOf(record) })
      this.#sliceBytes += record.length
    }
  }

  #skip(reason: SkipReason): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1
  }

  /** False where it was abandoned: the plan tells the next start. */
  async #send(): Promise<boolean> {
    const { feed, received, plan, mark } = this.#parts
    const letters = [...Map.groupBy(this.#slice, ({ terms }) => terms).values()].flat()
    this.#slice = []
    this.#sliceBytes = 0
    if (letters.length === 0) return true
    const runs = runsOf(letters.map(({ id }) => id))
    const before = received?.() ?? 0
    const countsBefore = feed.counts.accepted + feed.counts.rejected
    if (received !== null) await plan.write({ received: before, letters: runs })
    if (!(await feed.send(letters))) return false
    const sent = feed.counts.accepted + feed.counts.rejected - countsBefore
    this.replayed += await mark(firstLetters(runs, received === null ? sent : received() - before))
    return true
  }
}

/** One line. A line feed becomes a tab: it stands for the same between values, and is as wrong within a string. */
function lineOf(record: Uint8Array): Uint8Array {
  const line = new Uint8Array(record.length + 1)
  line.set(record)
  for (let at = line.indexOf(LF); at !== -1; at = line.indexOf(LF, at + 1)) line[at] = TAB
  line[record.length] = LF
  return line
}

/** Nothing that would count as a record. */
function isBlank(record: Uint8Array): boolean {
  const marked = BYTE_ORDER_MARK.every((byte, index) => record[index] === byte)
  return record
    .subarray(marked ? BYTE_ORDER_MARK.length : 0)
    .every((byte) => byte === SPACE || byte === TAB || byte === LF || byte === CR)
}
