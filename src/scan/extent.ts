import { isUtf8 } from 'node:buffer'
import type { Arena } from '../memory/arena.ts'
import { ENTRY, RESULT, REJECT_CATEGORIES } from '../memory/extent-ring.ts'
import type { ExtentRing, RejectCategory } from '../memory/extent-ring.ts'
import {
  FRAME_MAGIC,
  FRAME_RECORDS_MAX,
  FRAME_VERSION,
  HEADER,
  PEER_BYTES_MAX,
  RECORD_BREAK,
  RECORD_FAST,
  RECORD_LF,
  RUN,
  recordLength,
  recordOffset,
  recordWord,
  runWord,
} from '../memory/frame-region.ts'
import { DEAD_LETTER_RECORD_BYTES_MAX, DeadLetterWriter } from '../encode/dead-letter.ts'
import type { SourceKernel } from './kernel.ts'
import type { Router } from './where.ts'
import type { RecordError } from './worker-context.ts'

const LF = 0x0a
const ERRORS_PER_RUN_MAX = 5
/** One record in so many that the scanner accepted is given to JSON.parse as well. */
const CROSS_CHECK_EVERY = 4096

/**
 * One extent while a worker works on it: takes verdicts record by record, fills the record table, writes dead letters,
 * and at the end seals the frame. The framers (lines, documents) drive it. Reused for every extent; no allocation per
 * accepted record.
 *
 * Every verdict method returns false when there is no room for it (table or output full): nothing was noted then, the
 * framer stops, and the main thread resumes at the same record.
 */
export class Extent {
  readonly bytes: Uint8Array
  readonly #arena: Arena
  readonly #router: Router | null
  readonly #deadLetters: DeadLetterWriter
  readonly #times = new Float64Array(FRAME_RECORDS_MAX)
  readonly #routed = new Int32Array(32)
  readonly #rejectedBy = new Int32Array(REJECT_CATEGORIES.length)

  kernel!: SourceKernel
  #ring!: ExtentRing
  #entry = 0
  #word = 0
  from = 0
  to = 0
  #region = 0
  runs = 0
  #capacity = 0
  #fastSeverity = 0
  #receivedAtMs = 0
  #recordLimit = 0
  #eachUtf8 = false

  result: number = RESULT.DONE
  consumed = 0
  #records = 0
  #accepted = 0
  #rejected = 0
  #fast = 0
  #breaks = 0
  #undecided = 0
  #acceptedBytes = 0
  #previousEnd = -1
  #pendingBreak = false
  #crossChecked = 0
  #crossFailed = 0
  #sinceCrossCheck = 0

  #run = 0
  #runRecords = 0
  #runAccepted = 0
  #runRejected = 0
  #runErrors = 0
  errors: RecordError[] | undefined

  constructor(arena: Arena, router: Router | null) {
    this.#arena = arena
    this.bytes = arena.bytes
    this.#router = router
    this.#deadLetters = new DeadLetterWriter(arena.bytes)
  }

  /** Takes over a ring entry. */
  open(kernel: SourceKernel, ring: ExtentRing, entry: number): void {
    const words = ring.words
    const word = ring.base(entry)
    this.kernel = kernel
    this.#ring = ring
    this.#entry = entry
    this.#word = word
    this.from = words[word + ENTRY.FROM]!
    this.to = words[word + ENTRY.TO]!
    this.#region = words[word + ENTRY.REGION]!
    this.runs = words[word + ENTRY.RUNS]!
    this.#capacity = words[word + ENTRY.CAPACITY]!
    this.#recordLimit = words[word + ENTRY.RECORD_LIMIT]!
    this.#fastSeverity = words[word + ENTRY.FAST_SEVERITY]!
    this.#receivedAtMs = ring.doubles[(word + ENTRY.RECEIVED_AT) >> 1]!
    this.#deadLetters.reset(words[word + ENTRY.OUT_FROM]!, words[word + ENTRY.OUT_TO]!)
    this.#eachUtf8 = !isUtf8(this.bytes.subarray(this.from, this.to))
    this.result = RESULT.DONE
    this.consumed = this.to
    this.#records = this.#accepted = this.#rejected = this.#fast = this.#breaks = this.#undecided = 0
    this.#acceptedBytes = 0
    this.#previousEnd = -1
    this.#pendingBreak = false
    this.#crossChecked = this.#crossFailed = 0
    this.#routed.fill(0)
    this.#rejectedBy.fill(0)
    this.errors = undefined
    ring.leaveSlow(entry)
  }

  /** True when the first record must be refused unread: it killed the workers that tried it. */
  get condemned(): boolean {
    return this.#records === 0 && this.#ring.words[this.#word + ENTRY.CONDEMNED] === 1
  }

  /** True when the part that was asked for is done. */
  get limitReached(): boolean {
    return this.#recordLimit !== 0 && this.#records >= this.#recordLimit
  }

  beginRun(run: number): void {
    this.#run = run
    this.#runRecords = this.#runAccepted = this.#runRejected = this.#runErrors = 0
  }

  endRun(outcome: number, state: number): void {
    const words = this.#arena.words
    const word = runWord(this.#region, this.#run)
    words[word + RUN.RECORDS] = this.#runRecords
    words[word + RUN.ACCEPTED] = this.#runAccepted
    words[word + RUN.REJECTED] = this.#runRejected
    words[word + RUN.OUTCOME] = outcome
    words[word + RUN.STATE] = state
  }

  runValue(run: number, word: number): number {
    return this.#arena.words[runWord(this.#region, run) + word]!
  }

  /** Notes that the bytes since the last record can't be sent. */
  breakRun(): void {
    this.#pendingBreak = true
  }

  /**
   * The record [from, end) was accepted by the scanner. `next` is where the bytes behind it go on; what lies between is
   * its separator.
   */
  accept(from: number, end: number, severity: number, timeMs: number): boolean {
    if (this.#eachUtf8 && !isUtf8(this.bytes.subarray(from, end))) return this.decide(from, end)
    if (end - from > this.kernel.maxRecordBytes) return this.reject(from, end, 'oversize_record', '', this.kernel.sizeRule)
    if (++this.#sinceCrossCheck >= CROSS_CHECK_EVERY) {
      this.#sinceCrossCheck = 0
      return this.#crossCheck(from, end, severity, timeMs)
    }
    return this.#note(from, end, severity, timeMs)
  }

  /** The scanner could not decide: JSON.parse and the schema's compiled check do. */
  decide(from: number, end: number): boolean {
    const { kernel } = this
    if (end - from > kernel.maxRecordBytes) return this.reject(from, end, 'oversize_record', '', kernel.sizeRule)
    if (this.condemned) return this.reject(from, end, 'processing_failure', '', 'a record that can be processed')
    this.#ring.enterSlow(this.#entry, from)
    const verdict = kernel.slowPath.decide(this.bytes, from, end)
    this.#ring.leaveSlow(this.#entry)
    const taken = verdict.accepted
      ? this.#note(from, end, verdict.severity, verdict.timeMs)
      : this.reject(from, end, verdict.category as RejectCategory, verdict.path, verdict.expected)
    if (taken) this.#undecided++
    return taken
  }

  /** Refuses [from, end); `length` is the record's whole length where only its beginning is there. */
  reject(from: number, end: number, category: RejectCategory, path: string, expected: string, length = end - from): boolean {
    if (this.limitReached) return this.#stop(RESULT.LIMIT)
    const run = runWord(this.#region, this.#run)
    const peerFrom = (run + RUN.PEER) << 2
    const peerBytes = Math.min(this.#arena.words[run + RUN.PEER_BYTES]!, PEER_BYTES_MAX)
    const written = this.#deadLetters.write({
      source: this.kernel.name,
      peer: String.fromCharCode(...this.bytes.subarray(peerFrom, peerFrom + peerBytes)),
      receivedAtMs: this.#receivedAtMs,
      category,
      path,
      expected,
      schema: this.kernel.schemaName,
      from,
      to: Math.min(end, from + DEAD_LETTER_RECORD_BYTES_MAX),
      length,
    })
    if (!written) return this.#stop(RESULT.OUTPUT_FULL)
    if (this.#runErrors < ERRORS_PER_RUN_MAX && this.#arena.words[run + RUN.STREAM] !== 0) {
      this.#runErrors++
      this.errors ??= []
      this.errors.push({ run: this.#run, index: this.#runRecords, category, path, expected })
    }
    this.#records++
    this.#rejected++
    this.#runRecords++
    this.#runRejected++
    this.#rejectedBy[REJECT_CATEGORIES.indexOf(category)]!++
    this.#pendingBreak = true
    return true
  }

  #stop(result: number): false {
    this.result = result
    return false
  }

  #note(from: number, end: number, severity: number, timeMs: number): boolean {
    if (this.limitReached) return this.#stop(RESULT.LIMIT)
    const index = this.#accepted
    if (index === this.#capacity) return this.#stop(RESULT.TABLE_FULL)
    const words = this.#arena.words
    const word = recordWord(this.#region, this.runs, index)
    let flags = 0
    if (this.#pendingBreak && index > 0) {
      flags |= RECORD_BREAK
      this.#breaks++
    }
    this.#pendingBreak = false
    if (this.bytes[end] === LF && end < this.to) flags |= RECORD_LF
    const fast = severity >= this.#fastSeverity
    if (fast) {
      flags |= RECORD_FAST
      this.#fast++
    }
    let mask = 0
    if (this.#router !== null) {
      mask = this.#router.route(this.bytes, from, end, severity)
      const lane = fast ? 1 : 0
      for (let rest = mask; rest !== 0; rest &= rest - 1) this.#routed[(31 - Math.clz32(rest & -rest)) * 2 + lane]!++
    }
    words[word] = (from - this.from) | (severity << 24) | flags
    words[word + 1] = end - from
    words[word + 3] = mask
    this.#times[index] = timeMs === timeMs ? timeMs : this.#receivedAtMs
    this.#accepted = index + 1
    this.#acceptedBytes += end - from
    this.#records++
    this.#runRecords++
    this.#runAccepted++
    this.#previousEnd = end
    return true
  }

  #crossCheck(from: number, end: number, severity: number, timeMs: number): boolean {
    const verdict = this.kernel.slowPath.decide(this.bytes, from, end)
    this.#crossChecked++
    if (verdict.accepted && verdict.severity === severity) return this.#note(from, end, severity, timeMs)
    this.#crossFailed++
    return verdict.accepted
      ? this.#note(from, end, verdict.severity, verdict.timeMs)
      : this.reject(from, end, verdict.category as RejectCategory, verdict.path, verdict.expected)
  }

  /** End of the last accepted record, -1 before the first; what follows it up to the next one is separator. */
  get previousEnd(): number {
    return this.#pendingBreak ? -1 : this.#previousEnd
  }

  /** Writes the table's times and the header, and answers in the ring entry. */
  seal(): void {
    if (this.#rejected > 0 && this.#accepted > 0 && this.#acceptedBytes * 2 < this.consumed - this.from) this.#compact()
    const { words, doubles } = this.#arena
    const accepted = this.#accepted
    let first = Infinity
    let last = -Infinity
    for (let i = 0; i < accepted; i++) {
      const time = this.#times[i]!
      if (time < first) first = time
      if (time > last) last = time
    }
    for (let i = 0; i < accepted; i++) {
      words[recordWord(this.#region, this.runs, i) + 2] = Math.min(this.#times[i]! - first, 0xffffffff)
    }
    const header = this.#region >> 2
    words[header + HEADER.MAGIC] = FRAME_MAGIC
    words[header + HEADER.VERSION] = FRAME_VERSION
    words[header + HEADER.SOURCE] = this.kernel.index
    words[header + HEADER.RECORDS] = accepted
    words[header + HEADER.FAST] = this.#fast
    words[header + HEADER.BREAKS] = this.#breaks
    words[header + HEADER.BYTES_FROM] = this.from
    words[header + HEADER.BYTES] = this.consumed - this.from
    words[header + HEADER.RUNS] = this.runs
    doubles[(header + HEADER.FIRST_TIME) >> 1] = first
    doubles[(header + HEADER.LAST_TIME) >> 1] = last
    doubles[(header + HEADER.RECEIVED_AT) >> 1] = this.#receivedAtMs
    this.#answer(first, last)
  }

  #answer(first: number, last: number): void {
    const { words, doubles } = this.#ring
    const word = this.#word
    words[word + ENTRY.RESULT] = this.result
    words[word + ENTRY.CONSUMED] = this.consumed
    words[word + ENTRY.RECORDS] = this.#records
    words[word + ENTRY.ACCEPTED] = this.#accepted
    words[word + ENTRY.REJECTED] = this.#rejected
    words[word + ENTRY.FAST] = this.#fast
    words[word + ENTRY.BREAKS] = this.#breaks
    words[word + ENTRY.OUT_USED] = this.#deadLetters.used
    words[word + ENTRY.DEAD_LETTERS] = this.#deadLetters.count
    words[word + ENTRY.UNDECIDED] = this.#undecided
    words[word + ENTRY.CROSS_CHECKED] = this.#crossChecked
    words[word + ENTRY.CROSS_FAILED] = this.#crossFailed
    doubles[(word + ENTRY.FIRST_TIME) >> 1] = first
    doubles[(word + ENTRY.LAST_TIME) >> 1] = last
    words.set(this.#rejectedBy, word + ENTRY.REJECTED_BY)
    words.set(this.#routed, word + ENTRY.ROUTED)
  }

  /** Moves the records together where refused ones left more than half of the frame as gaps. */
  #compact(): void {
    const { words } = this.#arena
    const bytes = this.bytes
    let to = this.from
    let run = 0
    for (let i = 0; i < this.#accepted; i++) {
      const word = recordWord(this.#region, this.runs, i)
      const from = this.from + recordOffset(words[word]!)
      const length = recordLength(words[word + 1]!)
      for (; run < this.runs && words[runWord(this.#region, run) + RUN.FROM]! <= from; run++) {
        words[runWord(this.#region, run) + RUN.FROM] = Math.min(to, words[runWord(this.#region, run) + RUN.FROM]!)
      }
      bytes.copyWithin(to, from, from + length)
      words[word] = ((words[word]! & 0xff000000 & ~RECORD_BREAK) | RECORD_LF | (to - this.from)) >> 0
      to += length
      bytes[to++] = LF
    }
    this.#breaks = 0
  }
}
