/**
 * An extent on the bench: an arena of its own, a ring and a frame region, laid out as the main thread lays them out,
 * and the Ingestor that a worker would run; no threads. What it answers is read back from shared memory alone.
 */
import { Arena } from '../../src/memory/arena.ts'
import { Control } from '../../src/memory/control.ts'
import { ENTRY, ExtentRing, RESULT, REJECT_CATEGORIES, SEVERITIES } from '../../src/memory/extent-ring.ts'
import {
  HEADER_BYTES,
  RECORD_BREAK,
  RECORD_BYTES,
  RECORD_FAST,
  RECORD_LF,
  RUN,
  RUN_BEGIN,
  RUN_BYTES,
  RUN_END,
  RUN_KIND,
  recordLength,
  recordOffset,
  recordSeverity,
  recordWord,
  runWord,
} from '../../src/memory/frame-region.ts'
import { Ingestor } from '../../src/scan/ingest.ts'
import type { RecordError } from '../../src/scan/worker-context.ts'
import type { WhereSpec } from '../../src/scan/where.ts'
import { builtinSpecs } from '../../src/schema/builtin.ts'
import type { SchemaSpec } from '../../src/schema/spec.ts'

export const LINES = RUN_KIND.LINES | RUN_BEGIN | RUN_END
export const DOCUMENTS = RUN_KIND.DOCUMENTS | RUN_BEGIN | RUN_END
export const AUTO = RUN_KIND.AUTO | RUN_BEGIN | RUN_END

export interface RigOptions {
  schema?: SchemaSpec
  maxRecordBytes?: number
  maxDepth?: number
  filters?: WhereSpec[]
  slabBytes?: number
  recordsPath?: readonly string[]
  checksums?: boolean
}

/** A run as the main thread would have written it: a structural run with RUN_END has its LF already. */
export interface RigRun {
  bytes: string | Uint8Array
  kind?: number
  stream?: number
  peer?: string
  state?: number
  length?: number
}

export interface RigLimits {
  capacity?: number
  outBytes?: number
  recordLimit?: number
  stopAt?: number
  condemned?: boolean
  fastSeverity?: number
  receivedAtMs?: number
}

export interface RigRecord {
  text: string
  /** Relative to the extent's beginning. */
  offset: number
  severity: number
  timeMs: number
  fast: boolean
  break: boolean
  lf: boolean
  route: number
  /** Of the run that the table says it came in. */
  peer: string
}

export interface RigRunAnswer {
  records: number
  accepted: number
  rejected: number
  shed: number
  outcome: number
  state: number
}

/** `record` of a dead letter is text or, where it was `record_base64`, bytes. */
export interface RigLetter {
  source: string
  peer: string
  category: string
  path: string
  expected: string
  schema: string
  record: string | Uint8Array
  truncated?: boolean
  length?: number
}

export interface RigAnswer {
  result: number
  /** Relative to the extent's beginning. */
  consumed: number
  records: RigRecord[]
  runs: RigRunAnswer[]
  letters: RigLetter[]
  errors: RecordError[]
  counts: {
    records: number
    accepted: number
    rejected: number
    fast: number
    breaks: number
    undecided: number
  }
  crossChecked: number
  crossFailed: number
  rejectedBy: Record<string, number>
  shedBy: number[]
  routed: number[]
  firstTimeMs: number
  lastTimeMs: number
  /** What a sink would be sent: all records, from run to run of neighbours, as the batcher does it. */
  sent: string
}

/** Bytes are Latin-1 on the way through JavaScript strings nowhere: texts are read as UTF-8. */
export class ExtentRig {
  readonly arena: Arena
  readonly ring = ExtentRing.create(4)
  readonly ingestor: Ingestor
  readonly control = Control.create()
  /** Where extents begin; not at the slab's beginning, as in life. */
  readonly from = 1024
  /** Of the extent at hand. */
  readonly region: number
  readonly #slabBytes: number

  constructor(options: RigOptions = {}) {
    this.#slabBytes = options.slabBytes ?? 1 << 20
    this.arena = Arena.create(3 * this.#slabBytes, this.#slabBytes)
    this.region = 2 * this.#slabBytes
    this.ingestor = new Ingestor(this.arena, {
      arena: this.arena.parts,
      sources: [
        {
          name: 'rig',
          ring: this.ring.buffer,
          schema: options.schema ?? builtinSpecs.any,
          maxRecordBytes: options.maxRecordBytes ?? 65_536,
          maxDepth: options.maxDepth ?? 64,
          ...(options.recordsPath === undefined ? undefined : { recordsPath: options.recordsPath }),
        },
      ],
      filters: options.filters ?? [],
      control: this.control.buffer,
      checksums: options.checksums ?? false,
    })
  }

  /** Lays an extent of these runs out and has it ingested. */
  ingest(runs: readonly RigRun[], limits: RigLimits = {}): RigAnswer {
    this.layOut(runs, limits)
    const errors = this.ingestor.ingest(0, 0) ?? []
    return this.read(runs.length, errors)
  }

  /** Writes runs, region and ring entry; bytes behind the extent are such that running into them is noticed. */
  layOut(runs: readonly RigRun[], limits: RigLimits = {}): void {
    const { arena, ring, from } = this
    const { region } = this
    const capacity =
      limits.capacity ?? (this.#slabBytes - HEADER_BYTES - runs.length * RUN_BYTES) / RECORD_BYTES
    arena.words.fill(-1, region >> 2, (region + this.#slabBytes) >> 2)
    let at = from
    runs.forEach((run, index) => {
      const word = runWord(region, index)
      const bytes = asBytes(run.bytes)
      const peer = asBytes(run.peer ?? `peer-${index}`)
      arena.words[word + RUN.FROM] = at
      arena.words[word + RUN.STREAM] = run.stream ?? index + 1
      arena.words[word + RUN.KIND] = run.kind ?? LINES
      arena.words[word + RUN.STATE] = run.state ?? 0
      arena.words[word + RUN.LENGTH] = run.length ?? 0
      arena.words[word + RUN.PEER_BYTES] = peer.length
      arena.bytes.set(peer, (word + RUN.PEER) << 2)
      arena.bytes.set(bytes, at)
      at += bytes.length
    })
    if (at > this.#slabBytes - 64) throw new RangeError('the extent fits its slab')
    arena.bytes.set(asBytes(BEHIND), at)
    const word = ring.base(0)
    ring.words.fill(0, word, word + 128)
    ring.words[word + ENTRY.FROM] = from
    ring.words[word + ENTRY.TO] = at
    ring.words[word + ENTRY.REGION] = region
    ring.words[word + ENTRY.RUNS] = runs.length
    ring.words[word + ENTRY.CAPACITY] = capacity
    ring.words[word + ENTRY.OUT_FROM] = this.#slabBytes
    ring.words[word + ENTRY.OUT_TO] = this.#slabBytes + (limits.outBytes ?? this.#slabBytes)
    ring.words[word + ENTRY.RECORD_LIMIT] = limits.recordLimit ?? 0
    ring.words[word + ENTRY.STOP_AT] = limits.stopAt ?? 0
    ring.words[word + ENTRY.CONDEMNED] = limits.condemned === true ? 1 : 0
    ring.words[word + ENTRY.FAST_SEVERITY] = limits.fastSeverity ?? 8
    ring.doubles[(word + ENTRY.RECEIVED_AT) >> 1] = limits.receivedAtMs ?? 1_700_000_000_000
  }

  /** Reads the answer back. */
  read(runCount: number, errors: RecordError[]): RigAnswer {
    const { arena, ring, from } = this
    const word = ring.base(0)
    const value = (offset: number): number => ring.words[word + offset]!
    const region = value(ENTRY.REGION)
    const firstTimeMs = ring.doubles[(word + ENTRY.FIRST_TIME) >> 1]!
    const records = Array.from({ length: value(ENTRY.ACCEPTED) }, (_, index): RigRecord => {
      const at = recordWord(region, runCount, index)
      const word0 = arena.words[at]!
      const offset = recordOffset(word0)
      if (recordLength(arena.words[at + 1]!) !== arena.words[at + 1]!) throw new Error('a mark is left')
      return {
        text: this.text(from + offset, from + offset + recordLength(arena.words[at + 1]!)),
        offset,
        severity: recordSeverity(word0),
        timeMs: firstTimeMs + (arena.words[at + 2]! >>> 0),
        fast: (word0 & RECORD_FAST) !== 0,
        break: (word0 & RECORD_BREAK) !== 0,
        lf: (word0 & RECORD_LF) !== 0,
        route: arena.words[at + 3]!,
        peer: this.#peerAt(region, runCount, from + offset),
      }
    })
    const runs = Array.from({ length: runCount }, (_, index): RigRunAnswer => {
      const at = runWord(region, index)
      const read = (offset: number): number => arena.words[at + offset]!
      return {
        records: read(RUN.RECORDS),
        accepted: read(RUN.ACCEPTED),
        rejected: read(RUN.REJECTED),
        shed: read(RUN.SHED),
        outcome: read(RUN.OUTCOME),
        state: read(RUN.STATE),
      }
    })
    return {
      result: value(ENTRY.RESULT),
      consumed: value(ENTRY.CONSUMED) - from,
      records,
      runs,
      letters: this.#letters(value(ENTRY.OUT_FROM), value(ENTRY.OUT_USED)),
      errors,
      counts: {
        records: value(ENTRY.RECORDS),
        accepted: value(ENTRY.ACCEPTED),
        rejected: value(ENTRY.REJECTED),
        fast: value(ENTRY.FAST),
        breaks: value(ENTRY.BREAKS),
        undecided: value(ENTRY.UNDECIDED),
      },
      crossChecked: value(ENTRY.CROSS_CHECKED),
      crossFailed: value(ENTRY.CROSS_FAILED),
      rejectedBy: Object.fromEntries(
        REJECT_CATEGORIES.map((category, i) => [category, value(ENTRY.REJECTED_BY + i)] as const).filter(
          ([, count]) => count > 0,
        ),
      ),
      shedBy: Array.from({ length: SEVERITIES }, (_, i) => value(ENTRY.SHED_BY + i)),
      routed: Array.from({ length: 32 }, (_, i) => value(ENTRY.ROUTED + i)),
      firstTimeMs,
      lastTimeMs: ring.doubles[(word + ENTRY.LAST_TIME) >> 1]!,
      sent: this.#sent(records),
    }
  }

  /** Bytes of the arena as text. */
  text(from: number, to: number): string {
    return Buffer.from(this.arena.bytes.subarray(from, to)).toString()
  }

  #peerAt(region: number, runCount: number, offset: number): string {
    let run = 0
    while (run + 1 < runCount && this.arena.words[runWord(region, run + 1) + RUN.FROM]! <= offset) run++
    const word = runWord(region, run)
    const at = (word + RUN.PEER) << 2
    return this.text(at, at + this.arena.words[word + RUN.PEER_BYTES]!)
  }

  #letters(outFrom: number, bytes: number): RigLetter[] {
    return this.text(outFrom, outFrom + bytes)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const letter = JSON.parse(line) as RigLetter & { record_base64?: string }
        if (letter.record_base64 !== undefined) letter.record = Buffer.from(letter.record_base64, 'base64')
        return letter
      })
  }

  #sent(records: readonly RigRecord[]): string {
    let text = ''
    for (let first = 0; first < records.length;) {
      let last = first
      while (last + 1 < records.length && !records[last + 1]!.break) last++
      const end = records[last]!.offset + Buffer.byteLength(records[last]!.text)
      text += this.text(this.from + records[first]!.offset, this.from + end + (records[last]!.lf ? 1 : 0))
      if (!records[last]!.lf) text += '\n'
      first = last + 1
    }
    return text
  }
}

const BEHIND = '{"behind":["the","extent"],"severity":1}\n'.repeat(2)

export function asBytes(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
}

/** What a stream came to, over all its parts. */
export interface StreamAnswer {
  accepted: string[]
  sent: string
  letters: RigLetter[]
  /** Index within the stream. */
  errors: { index: number; category: string }[]
  outcome: number
  state: number
  parts: number
}

/**
 * Plays the main thread for one structural stream: extents of whatever came so far, at most as long as `cuts` say, one
 * at a time, each from where the last one stopped; a part without room is resumed. `pieces`: lengths of what arrives.
 */
export function ingestStream(
  rig: ExtentRig,
  body: string | Uint8Array,
  kind: number,
  pieces: readonly number[] = [],
  limits: RigLimits | ((part: number) => RigLimits) = {},
): StreamAnswer {
  const bytes = Buffer.concat([asBytes(body), Uint8Array.of(0x0a)])
  const answer: StreamAnswer = {
    accepted: [],
    sent: '',
    letters: [],
    errors: [],
    outcome: 0,
    state: 0,
    parts: 0,
  }
  let from = 0
  let arrived = 0
  let records = 0
  for (const piece of [...pieces, Infinity]) {
    if (piece === 0) continue
    arrived = Math.min(bytes.length, arrived + piece)
    // The LF comes with the end.
    if (arrived === bytes.length - 1) arrived = bytes.length
    const ended = arrived === bytes.length
    for (;;) {
      const flags = (from === 0 ? RUN_BEGIN : 0) | (ended ? RUN_END : 0)
      const part = rig.ingest(
        [{ bytes: bytes.subarray(from, arrived), kind: kind | flags, state: answer.state }],
        typeof limits === 'function' ? limits(answer.parts) : limits,
      )
      answer.parts++
      answer.accepted.push(...part.records.map(({ text }) => text))
      answer.sent += part.sent
      answer.letters.push(...part.letters)
      answer.errors.push(...part.errors.map(({ index, category }) => ({ index: index + records, category })))
      records += part.counts.records
      from += part.consumed
      answer.outcome = part.runs[0]!.outcome
      answer.state = part.runs[0]!.state
      if (part.result === RESULT.DONE || part.result === RESULT.MORE) break
      if (answer.parts > 100_000) throw new Error('it makes no progress')
    }
    if (ended || answer.outcome === 3) break
  }
  return answer
}

/** What an extent came to, over all its parts. */
export interface ExtentAnswer {
  accepted: string[]
  sent: string
  letters: RigLetter[]
  /** Index within the run. */
  errors: { run: number; index: number; category: string }[]
  runs: RigRunAnswer[]
  parts: number
  /** Bytes behind CONSUMED that were not as they came. */
  touched: number
}

/** Plays the main thread for one extent: what had no room is resumed, until all of it is done. */
export function ingestExtent(
  rig: ExtentRig,
  runs: readonly RigRun[],
  limits: RigLimits | ((part: number) => RigLimits),
): ExtentAnswer {
  const answer: ExtentAnswer = {
    accepted: [],
    sent: '',
    letters: [],
    errors: [],
    runs: runs.map(() => ({ records: 0, accepted: 0, rejected: 0, shed: 0, outcome: 0, state: 0 })),
    parts: 0,
    touched: 0,
  }
  let rest: (RigRun & { bytes: Uint8Array })[] = runs.map((run, index) =>
    Object.assign({ peer: `peer-${index}` }, run, { bytes: asBytes(run.bytes) }),
  )
  for (;;) {
    const first = runs.length - rest.length
    const part = rig.ingest(rest, typeof limits === 'function' ? limits(answer.parts) : limits)
    answer.parts++
    answer.accepted.push(...part.records.map(({ text }) => text))
    answer.sent += part.sent
    answer.letters.push(...part.letters)
    for (const { run, index, category } of part.errors) {
      answer.errors.push({ run: first + run, index: answer.runs[first + run]!.records + index, category })
    }
    const whole = Buffer.concat(rest.map(({ bytes }) => bytes))
    for (let at = part.consumed; at < whole.length; at++) {
      if (rig.arena.bytes[rig.from + at] !== whole[at]) answer.touched++
    }
    part.runs.forEach((run, i) => {
      const sum = answer.runs[first + i]!
      sum.records += run.records
      sum.accepted += run.accepted
      sum.rejected += run.rejected
      sum.shed += run.shed
      sum.outcome = run.outcome
      sum.state = run.state
    })
    if (part.result === RESULT.DONE) return answer
    if (answer.parts > 10_000) throw new Error('it makes no progress')
    let from = part.consumed
    while (from >= rest[0]!.bytes.length) from -= rest.shift()!.bytes.length
    const next = rest[0]!
    rest = [
      {
        ...next,
        bytes: next.bytes.subarray(from),
        kind: from > 0 ? (next.kind ?? LINES) & ~RUN_BEGIN : (next.kind ?? LINES),
        state: part.runs[part.runs.length - rest.length]!.state,
      },
      ...rest.slice(1),
    ]
  }
}
