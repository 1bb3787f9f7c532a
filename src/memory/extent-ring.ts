import assert from 'node:assert'

/**
 * The ring of a source: its extents between the moment they are cut and the moment they are committed, in shared
 * memory, so that a task names an extent by its index and the worker answers in place.
 *
 *        tail (oldest not committed)              head (next to be cut)
 *          v                                        v
 *     [ DONE | WORKING | READY | WORKING | READY | FREE | FREE ... ]
 *
 *     FREE -cut, main-> READY -worker-> WORKING -> SEALING -> DONE -commit, main-> FREE
 *
 * SEALING: all answers stand, and the bytes around the records are being tidied. Should the worker die then, the entry
 * is not done anew: `finishSeal` (src/scan/seal.ts) does what is left.
 *
 * An entry is 512 bytes: the first 128 are written by the main thread, the rest by the worker that has the entry.
 */
export const ENTRY_BYTES = 512
export const ENTRY_WORDS = ENTRY_BYTES / 4

export const STATE = { FREE: 0, READY: 1, WORKING: 2, DONE: 3, SEALING: 4 } as const

export const REJECT_CATEGORIES = [
  'malformed_json',
  'invalid_utf8',
  'schema_violation',
  'oversize_record',
  'bad_framing',
  'processing_failure',
] as const
export type RejectCategory = (typeof REJECT_CATEGORIES)[number]

/** Events have severities from 0 to 10. */
export const SEVERITIES = 11

/** Words of an entry. */
export const ENTRY = {
  // main thread
  STATE: 0, // set to READY by main, then by the worker
  FROM: 1, // absolute offsets of the part to do
  TO: 2,
  REGION: 3, // absolute offset of the frame region
  RUNS: 4,
  CAPACITY: 5, // records that the table can hold
  OUT_FROM: 6, // where dead letters may be written
  OUT_TO: 7,
  RECORD_LIMIT: 8, // stop after so many records; 0: no limit
  CONDEMNED: 9, // 1: the first record is refused unread, it killed its workers
  FAST_SEVERITY: 10,
  STOP_AT: 11, // stop before the slow-path record that begins here; 0: none
  DECODE_FROM: 12, // where decoded events may be written; 0: the source's records stay where they are
  DECODE_TO: 13,
  RECEIVED_AT: 14, // double
  DECODE_FRESH: 16, // 1: there is no larger space for decoded events
  RULES: 17, // by what its records are judged: 0: as its source has it, n: WorkerSource.otherRules[n - 1]
  // worker
  RESULT: 32, // RESULT
  CONSUMED: 33, // absolute offset reached
  RECORDS: 34,
  ACCEPTED: 35,
  REJECTED: 36,
  FAST: 37,
  BREAKS: 38,
  OUT_USED: 39, // bytes of dead letters written
  DEAD_LETTERS: 40, // count of dead letters written
  UNDECIDED: 41, // records that took the slow path
  FIRST_TIME: 42, // double
  LAST_TIME: 44, // double
  REJECTED_BY: 46, // one word a category
  ROUTED: 56, // 16 filters x (bulk, fast)
  SLOW_AT: 96, // offset of the record on the slow path, 0: none
  SLOW_COUNT: 97, // counts up with each record on the slow path
  CROSS_CHECKED: 98,
  CROSS_FAILED: 99,
  DECODED: 100, // bytes of decoded events written
  HEAD_BYTES: 101, // of what was consumed, bytes that nobody sent: the heads of datagrams
  SHED_BY: 102, // one word a severity, 0 to 10
  CHECKSUM: 113, // 1: the frame's body gets a checksum
  UNTIMED: 114, // accepted events without a time of their own
} as const

/** How a task on an entry ended. */
export const RESULT = {
  DONE: 0, // all of it
  MORE: 1, // a structural stream needs more bytes behind CONSUMED
  TABLE_FULL: 2, // resume at CONSUMED with a new region, and new space for decoded events
  OUTPUT_FULL: 3, // resume at CONSUMED with a new output
  LIMIT: 4, // RECORD_LIMIT or STOP_AT reached
} as const

export class ExtentRing {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly doubles: Float64Array
  readonly entryCount: number

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.words = new Int32Array(buffer)
    this.doubles = new Float64Array(buffer)
    this.entryCount = buffer.byteLength / ENTRY_BYTES
    assert(Number.isInteger(this.entryCount))
  }

  static create(entryCount: number): ExtentRing {
    return new ExtentRing(new SharedArrayBuffer(entryCount * ENTRY_BYTES))
  }

  /** Word index of an entry. */
  base(entry: number): number {
    return entry * ENTRY_WORDS
  }

  state(entry: number): number {
    return Atomics.load(this.words, entry * ENTRY_WORDS + ENTRY.STATE)
  }

  setState(entry: number, state: number): void {
    Atomics.store(this.words, entry * ENTRY_WORDS + ENTRY.STATE, state)
  }

  /** What a worker that died or hangs was doing: the offset of the record on the slow path, 0 for none. */
  slowRecord(entry: number): number {
    return Atomics.load(this.words, entry * ENTRY_WORDS + ENTRY.SLOW_AT)
  }

  slowCount(entry: number): number {
    return Atomics.load(this.words, entry * ENTRY_WORDS + ENTRY.SLOW_COUNT)
  }

  /** Notes a record before it takes the slow path, so that it is known should it kill its worker. */
  enterSlow(entry: number, offset: number): void {
    Atomics.add(this.words, entry * ENTRY_WORDS + ENTRY.SLOW_COUNT, 1)
    Atomics.store(this.words, entry * ENTRY_WORDS + ENTRY.SLOW_AT, offset)
  }

  leaveSlow(entry: number): void {
    Atomics.store(this.words, entry * ENTRY_WORDS + ENTRY.SLOW_AT, 0)
  }
}
