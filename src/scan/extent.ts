import { isUtf8 } from 'node:buffer'
import { DEAD_LETTER_RECORD_BYTES_MAX, DeadLetterWriter } from '../encode/dead-letter.ts'
import type { Arena } from '../memory/arena.ts'
import type { Control } from '../memory/control.ts'
import { ENTRY, RESULT, STATE } from '../memory/extent-ring.ts'
import type { ExtentRing, RejectCategory } from '../memory/extent-ring.ts'
import {
  FRAME_RECORDS_MAX,
  MARK_RAW_BREAKS,
  MARK_STRUCTURAL,
  RECORD_BREAK,
  RECORD_FAST,
  RECORD_LF,
  RUN,
  recordWord,
  runWord,
} from '../memory/frame-region.ts'
import { EventTimes } from './event-times.ts'
import { ExtentCounts } from './extent-counts.ts'
import type { SourceKernel } from './kernel.ts'
import { DECODE_NO_ROOM } from './message-decoder.ts'
import { closeFrame, finishSeal, writeHeader } from './seal.ts'
import { Sender } from './sender.ts'
import { PROCESSABLE } from './slow-path.ts'
import type { Verdict } from './slow-path.ts'
import type { Router } from './where.ts'
import type { RecordError } from './worker-context.ts'

const LF = 0x0a
const ERRORS_PER_RUN_MAX = 5
/** One record in so many that the scanner accepted is given to JSON.parse as well. */
const CROSS_CHECK_EVERY = 4096
const NO_LIMIT = 0x7fffffff

/**
 * One extent while a worker works on it: the framers (src/scan/framing) drive it record by record; it takes verdicts,
 * fills the record table, writes dead letters, and at the end seals the frame. Reused for every extent; nothing is
 * allocated for an accepted record.
 *
 * A framer asks `isFull` before it looks at a record, then tells what it is: `accept` what the scanner accepted, `decide`
 * what it could not decide, `reject` what is none. They return false when there is no room: nothing was noted then, and
 * the framer must stop; the main thread resumes at the same record. Bytes stay as they came until the seal.
 */
export class Extent {
  readonly bytes: Uint8Array
  readonly #words: Int32Array
  readonly arena: Arena
  readonly #router: Router | null
  readonly #deadLetters: DeadLetterWriter
  readonly #sender: Sender
  readonly #times = new EventTimes()
  readonly #counts = new ExtentCounts()
  readonly #control: Control
  readonly #checksums: boolean

  kernel!: SourceKernel
  #ring!: ExtentRing
  #entry = 0
  from = 0
  to = 0
  runs = 0
  /** Of the frame's bytes: the extent's own, or those of its decoded events. */
  #frameFrom = 0
  #frameTo = 0
  /** Where the next decoded event goes. */
  #out = 0
  #decodes = false
  /** No larger space for decoded events can be had. */
  #freshSpace = false
  #region = 0
  #capacity = 0
  #recordLimit = 0
  #stopAt = 0
  #fastSeverity = 0
  #shedBelow = 0
  #receivedAtMs = 0
  /** Some byte of the extent is not UTF-8, so each record is looked at. */
  #eachUtf8 = false
  /** The first record is refused unread: it killed the workers that tried it. */
  condemned = false

  /** How it ended, and the offset reached; set by a framer that wants more bytes, else when there was no room. */
  result: number = RESULT.DONE
  consumed = 0
  errors: RecordError[] | undefined
  #marks = 0
  #sinceCrossCheck = 0

  /** End of the last accepted record; what can't be sent may lie behind it. */
  #previousEnd = -1
  /** Set by a framer too: what it passed over before the next record is not to be sent; the heads that it passed over. */
  pendingBreak = false
  headBytes = 0

  #run = 0
  #runMark = 0
  #runErrors = 0
  #runOut = 0

  constructor(arena: Arena, router: Router | null, control: Control, checksums: boolean) {
    this.arena = arena
    this.#control = control
    this.#checksums = checksums
    this.#words = arena.words
    this.bytes = arena.bytes
    this.#router = router
    this.#deadLetters = new DeadLetterWriter(arena.bytes)
    this.#sender = new Sender(arena)
  }

  /** Takes over a ring entry. */
  open(kernel: SourceKernel, ring: ExtentRing, entry: number): void {
    const words = ring.words
    const word = ring.base(entry)
    ring.setState(entry, STATE.WORKING)
    ring.leaveSlow(entry)
    this.kernel = kernel
    this.#ring = ring
    this.#entry = entry
    this.from = words[word + ENTRY.FROM]!
    this.to = words[word + ENTRY.TO]!
    this.runs = words[word + ENTRY.RUNS]!
    this.#region = words[word + ENTRY.REGION]!
    this.#capacity = Math.min(words[word + ENTRY.CAPACITY]!, FRAME_RECORDS_MAX)
    this.#recordLimit = words[word + ENTRY.RECORD_LIMIT]! || NO_LIMIT
    this.#stopAt = words[word + ENTRY.STOP_AT]! || -1
    this.#fastSeverity = words[word + ENTRY.FAST_SEVERITY]!
    // Dead letters that the operator chose to replay are not shed.
    this.#shedBelow = words[word + ENTRY.RULES] === 0 ? this.#control.shedBelow : 0
    this.#receivedAtMs = ring.doubles[(word + ENTRY.RECEIVED_AT) >> 1]!
    const decodeFrom = words[word + ENTRY.DECODE_FROM]!
    this.#decodes = kernel.decoder !== null
    this.#frameFrom = this.#out = this.#decodes ? decodeFrom : this.from
    this.#frameTo = this.#decodes ? words[word + ENTRY.DECODE_TO]! : this.to
    this.#freshSpace = words[word + ENTRY.DECODE_FRESH] === 1
    kernel.decoder?.begin(this.#receivedAtMs)
    this.#deadLetters.reset(words[word + ENTRY.OUT_FROM]!, words[word + ENTRY.OUT_TO]!)
    this.#eachUtf8 = !isUtf8(this.bytes.subarray(this.from, this.to))
    this.condemned = words[word + ENTRY.CONDEMNED] === 1
    this.result = RESULT.DONE
    this.consumed = this.to
    this.errors = undefined
    this.#counts.reset()
    this.#marks = this.headBytes = 0
    this.#times.reset(this.#receivedAtMs)
    this.#previousEnd = -1
    this.pendingBreak = false
  }

  /** `structural`: what stands between its records is no mere line feed. */
  beginRun(run: number, structural: boolean): void {
    this.#run = run
    this.#runMark = structural ? MARK_STRUCTURAL : 0
    this.#runErrors = 0
    this.#counts.beginRun()
    this.#runOut = this.#out
    this.#sender.beginRun(this.#region, run)
    if (this.kernel.decoder !== null) this.#sender.introduceTo(this.kernel.decoder)
  }

  endRun(outcome: number, state: number): void {
    const words = this.#words
    const word = runWord(this.#region, this.#run)
    this.#counts.answerRun(words, word)
    words[word + RUN.OUTCOME] = outcome
    words[word + RUN.STATE] = state
    // The peer of a record is found by its place in the frame.
    if (this.#decodes) words[word + RUN.FROM] = this.#runOut
  }

  runValue(run: number, word: number): number {
    return this.#words[runWord(this.#region, run) + word]!
  }

  /** True when no further record can be taken: the framer stops before it. */
  isFull(): boolean {
    const { accepted, records } = this.#counts
    if (accepted < this.#capacity && records < this.#recordLimit) return false
    this.result = records >= this.#recordLimit ? RESULT.LIMIT : RESULT.TABLE_FULL
    return true
  }

  /** The scanner accepted the record [from, end). `rawBreaks`: there are raw line breaks in it. */
  accept(from: number, end: number, severity: number, timeMs: number, rawBreaks: boolean): boolean {
    if (end - from > this.kernel.maxRecordBytes) return this.#oversize(from, end)
    if (this.#eachUtf8 && !isUtf8(this.bytes.subarray(from, end))) return this.decide(from, end)
    if (++this.#sinceCrossCheck >= CROSS_CHECK_EVERY) return this.#crossCheck(from, end, severity, timeMs)
    return this.#note(from, end, severity, timeMs, rawBreaks)
  }

  /** The scanner could not decide on [from, end): JSON.parse and the schema's compiled check do. */
  decide(from: number, end: number): boolean {
    if (this.condemned) return this.reject(from, end, 'processing_failure', '', PROCESSABLE)
    if (end - from > this.kernel.maxRecordBytes) return this.#oversize(from, end)
    if (!this.#enterSlow(from)) return false
    const verdict = this.kernel.slowPath.decide(this.bytes, from, end)
    const taken = verdict.accepted
      ? this.#note(from, end, verdict.severity, verdict.timeMs, verdict.rawBreaks)
      : this.#refuse(from, end, verdict)
    this.#ring.leaveSlow(this.#entry)
    if (taken) this.#counts.undecided++
    return taken
  }

  /** Decodes the message [from, end), whose head begins at `origin`, into an event: valid by its making. */
  decode(origin: number, from: number, end: number): boolean {
    if (this.condemned) return this.reject(from, end, 'processing_failure', '', PROCESSABLE)
    if (end - from > this.kernel.maxRecordBytes) return this.#oversize(from, end)
    if (!this.#enterSlow(origin)) return false
    const taken = this.#takeDecoded(from, end)
    this.#ring.leaveSlow(this.#entry)
    return taken
  }

  #takeDecoded(from: number, end: number): boolean {
    const { decoder, maxRecordBytes } = this.kernel
    const out = this.#out
    const outEnd = decoder!.decode(from, end, out, this.#frameTo, !this.#eachUtf8)
    const noRoom = outEnd === DECODE_NO_ROOM
    if (noRoom && !(this.#freshSpace && this.#counts.accepted === 0)) return this.#stop(RESULT.TABLE_FULL)
    // With all the room that there is, it is too long as an event.
    if (noRoom || outEnd - out - 1 > maxRecordBytes) return this.#oversize(from, end)
    const { accepted } = this.#counts
    if (!this.#note(out, outEnd - 1, decoder!.severity, decoder!.timeMs, false)) return false
    if (this.#counts.accepted > accepted) this.#out = outEnd
    return true
  }

  /** The messages that follow in this run were sent by `address`, ASCII of the arena, and `port`. */
  setSender(addressFrom: number, addressTo: number, port: number): void {
    this.#sender.beginDatagram(addressFrom, addressTo, port)
    this.#sender.introduceTo(this.kernel.decoder!)
  }

  /**
   * Refuses [from, end) for `category`. `path` and `expected` tell the client what was wrong with it. `length` is the
   * record's whole length where only its beginning is there.
   */
  reject(
    from: number,
    end: number,
    category: RejectCategory,
    path: string,
    expected: string,
    length = end - from,
  ): boolean {
    const written = this.#deadLetters.write({
      source: this.kernel.name,
      peer: this.#sender.text,
      receivedAtMs: this.#receivedAtMs,
      category,
      path,
      expected,
      schema: this.kernel.schemaName,
      schemaVersion: this.kernel.schemaVersion,
      from,
      to: Math.min(end, from + DEAD_LETTER_RECORD_BYTES_MAX),
      length,
    })
    if (!written) return this.#stop(RESULT.OUTPUT_FULL)
    if (this.#runErrors < ERRORS_PER_RUN_MAX && this.runValue(this.#run, RUN.STREAM) !== 0) {
      this.#runErrors++
      this.errors ??= []
      this.errors.push({ run: this.#run, index: this.#counts.runRecords, category, path, expected })
    }
    this.condemned = false
    this.#counts.reject(category)
    // What is decoded has no gaps where something was refused.
    this.pendingBreak = !this.#decodes
    return true
  }

  /** Writes the table's times and the header, answers in the ring entry, and makes the bytes those of a frame. */
  seal(): void {
    this.#times.writeDelays(this.#words, recordWord(this.#region, this.runs, 0) + 2, 4)
    this.#answer()
    writeHeader(this.arena, this.#ring, this.#entry, this.kernel.index)
    if (this.#decodes || (this.#marks === 0 && this.#counts.records === this.#counts.accepted)) {
      closeFrame(this.arena, this.#ring, this.#entry)
      return
    }
    this.#ring.setState(this.#entry, STATE.SEALING)
    finishSeal(this.arena, this.#ring, this.#entry)
  }

  #answer(): void {
    const { words, doubles } = this.#ring
    const word = this.#ring.base(this.#entry)
    words[word + ENTRY.RESULT] = this.result
    words[word + ENTRY.CONSUMED] = this.consumed
    words[word + ENTRY.DECODED] = this.#decodes ? this.#out - this.#frameFrom : 0
    words[word + ENTRY.HEAD_BYTES] = this.headBytes
    words[word + ENTRY.OUT_USED] = this.#deadLetters.used
    words[word + ENTRY.DEAD_LETTERS] = this.#deadLetters.count
    doubles[(word + ENTRY.FIRST_TIME) >> 1] = this.#times.firstMs
    doubles[(word + ENTRY.LAST_TIME) >> 1] = this.#times.lastMs
    words[word + ENTRY.UNTIMED] = this.#times.untimed
    words[word + ENTRY.CHECKSUM] = this.#checksums ? 1 : 0
    this.#counts.answer(this.#ring, word)
  }

  #note(from: number, end: number, severity: number, timeMs: number, rawBreaks: boolean): boolean {
    const counts = this.#counts
    if (severity < this.#shedBelow) {
      counts.leaveOut(severity)
      this.pendingBreak = !this.#decodes
      return true
    }
    const fast = severity >= this.#fastSeverity
    let mask = 0
    if (this.#router !== null) {
      mask = this.#route(this.#router, from, end, severity)
      if (mask < 0) return false
      counts.route(mask, fast)
    }
    const index = counts.accepted
    let flags = 0
    if (this.bytes[end] === LF && end < this.#frameTo) flags = RECORD_LF
    if (fast) {
      flags |= RECORD_FAST
      counts.fast++
    }
    if ((this.pendingBreak || from === this.#previousEnd) && index > 0) {
      flags |= RECORD_BREAK
      counts.breaks++
    }
    const marks = rawBreaks ? this.#runMark | MARK_RAW_BREAKS : this.#runMark
    this.#times.note(timeMs)
    const words = this.#words
    const word = recordWord(this.#region, this.runs, index)
    words[word] = (from - this.#frameFrom) | (severity << 24) | flags
    words[word + 1] = (end - from) | marks
    words[word + 3] = mask
    this.#marks |= marks
    this.pendingBreak = false
    this.#previousEnd = end
    counts.accepted = index + 1
    counts.records++
    return true
  }

  /** Route mask of an accepted record; negative when it must not be looked at now. */
  #route(router: Router, from: number, end: number, severity: number): number {
    // What is decoded was announced before.
    if (!router.needsBytes || this.#decodes) return router.route(this.bytes, from, end, severity)
    if (!this.#enterSlow(from)) return -1
    const mask = router.route(this.bytes, from, end, severity)
    this.#ring.leaveSlow(this.#entry)
    return mask
  }

  /** What may kill or hang a worker is announced, so that it is known whose fault it was. */
  #enterSlow(from: number): boolean {
    if (from === this.#stopAt) return this.#stop(RESULT.LIMIT)
    this.#ring.enterSlow(this.#entry, from)
    return true
  }

  #refuse(from: number, end: number, { category, path, expected }: Verdict): boolean {
    return this.reject(from, end, category === '' ? 'processing_failure' : category, path, expected)
  }

  #oversize(from: number, end: number): boolean {
    return this.reject(from, end, 'oversize_record', '', this.kernel.sizeRule)
  }

  #crossCheck(from: number, end: number, severity: number, timeMs: number): boolean {
    if (!this.#enterSlow(from)) return false
    const verdict = this.kernel.slowPath.decide(this.bytes, from, end)
    const agrees = verdict.accepted && verdict.severity === severity && Object.is(verdict.timeMs, timeMs)
    const taken = verdict.accepted
      ? this.#note(from, end, verdict.severity, verdict.timeMs, verdict.rawBreaks)
      : this.#refuse(from, end, verdict)
    this.#ring.leaveSlow(this.#entry)
    if (!taken) return false
    this.#sinceCrossCheck = 0
    this.#counts.crossChecked++
    if (!agrees) this.#counts.crossFailed++
    return true
  }

  #stop(result: number): false {
    this.result = result
    return false
  }
}
