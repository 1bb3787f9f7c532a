/**
 * Records of a frame that a sink has not settled, again as a frame: of kind DEFERRED, for that sink alone, so that the
 * log may let go of the place where they stood. Each record keeps the id that it came with: the frame names the one that
 * first held its records (ORIGIN_EPOCH, ORIGIN_SEQUENCE), the table each one's index there, however often it is deferred.
 *
 * It stands in the output as in the journal, without gaps: header, runs, table, bytes, padding. SOURCE, SINK, SEGMENT,
 * EPOCH, SEQUENCE and HEAD_CRC are for whoever appends it; SINK is as the task says.
 */
import assert from 'node:assert'
import type { Arena } from '../memory/arena.ts'
import { deferredIndex, isDeferredFrame, originWord } from '../memory/event-id.ts'
import { bodyChecksum } from '../memory/frame-checksum.ts'
import {
  FRAME_KIND,
  FRAME_MAGIC,
  FRAME_VERSION,
  HEADER,
  HEADER_BYTES,
  RECORD_BREAK,
  RECORD_BYTES,
  RECORD_FAST,
  RECORD_LF,
  RUN,
  RUN_BYTES,
  frameBytes,
  recordLength,
  recordOffset,
  recordWord,
  regionBytes,
  runOffset,
  runWord,
} from '../memory/frame-region.ts'
import { RecordCursor } from '../memory/record-cursor.ts'
import { Output } from './output.ts'
import type { EncodePart, EncodeResult, EncodeTask } from './task.ts'

const LF = 0x0a
const ROUTE_BITS = 0xffff

/** Does a task of one part. Goes as far as the output has room; `nextRecord` says where to go on. */
export function encodeDeferred(arena: Arena, task: EncodeTask): EncodeResult {
  const { parts, outFrom, outTo, sink } = task
  assert(parts.length === 1 && sink !== undefined, 'a frame is deferred for one sink')
  assert(outFrom % 8 === 0, 'a frame begins at a multiple of 8 bytes')
  const part = parts[0]!
  const extent = measure(arena, part, outTo - outFrom)
  assert(extent.records > 0, 'an empty output holds any record with its run')
  writeHeader(arena, part, extent, outFrom, sink)
  copyRecords(arena, part, extent, outFrom)
  arena.words[(outFrom >> 2) + HEADER.BODY_CRC] = bodyChecksum(
    arena,
    outFrom,
    outFrom + regionBytes(extent.runs, extent.records),
  )
  return {
    bytes: frameBytes(extent.runs, extent.records, extent.bytes),
    events: extent.records,
    nextPart: extent.next === -1 ? -1 : 0,
    nextRecord: extent.next,
  }
}

/** What the frame is made of: the part's records as far as they fit, and the runs that they came in. */
interface Measured {
  /** The first record that doesn't fit, -1 where all do. */
  readonly next: number
  readonly records: number
  readonly fast: number
  readonly runs: number
  readonly bytes: number
  /** Milliseconds after the first event of the frame that they stand in. */
  readonly firstDelayMs: number
  readonly lastDelayMs: number
}

function measure({ words }: Arena, part: EncodePart, roomBytes: number): Measured {
  let [records, fast, runs, bytes] = [0, 0, 0, 0]
  let [firstDelayMs, lastDelayMs] = [Infinity, 0]
  let run = -1
  let countedRun = -1
  let next = -1
  const cursor = new RecordCursor(words, part)
  while (cursor.next()) {
    const { word } = cursor
    run = runOf(words, part, recordOffset(words[word]!), run)
    const runsWithIt = run === countedRun ? runs : runs + 1
    const bytesWithIt = bytes + recordLength(words[word + 1]!) + 1
    if (frameBytes(runsWithIt, records + 1, bytesWithIt) > roomBytes) {
      next = cursor.record
      break
    }
    countedRun = run
    runs = runsWithIt
    bytes = bytesWithIt
    records++
    if ((words[word]! & RECORD_FAST) !== 0) fast++
    const delayMs = words[word + 2]! >>> 0
    firstDelayMs = Math.min(firstDelayMs, delayMs)
    lastDelayMs = Math.max(lastDelayMs, delayMs)
  }
  return { next, records, fast, runs, bytes, firstDelayMs, lastDelayMs }
}

/** The last run that begins at or before `offset`, looked for behind `run`; -1 where the frame has no runs. */
function runOf(words: Int32Array, { region, runs }: EncodePart, offset: number, run: number): number {
  let found = run
  while (found + 1 < runs && runOffset(words, region, found + 1) <= offset) found++
  return found
}

function writeHeader(arena: Arena, part: EncodePart, extent: Measured, out: number, sink: number): void {
  const { words, doubles } = arena
  const from = part.region >> 2
  const to = out >> 2
  words.fill(0, to, to + HEADER_BYTES / 4)
  words[to + HEADER.MAGIC] = FRAME_MAGIC
  words[to + HEADER.VERSION] = FRAME_VERSION
  words[to + HEADER.KIND] = FRAME_KIND.DEFERRED
  words[to + HEADER.SOURCE] = words[from + HEADER.SOURCE]!
  words[to + HEADER.SINK] = sink
  words[to + HEADER.RECORDS] = extent.records
  words[to + HEADER.FAST] = extent.fast
  words[to + HEADER.RUNS] = extent.runs
  words[to + HEADER.BYTES_FROM] = out + regionBytes(extent.runs, extent.records)
  words[to + HEADER.BYTES] = extent.bytes
  const origin = originWord(words, part.region)
  words.copyWithin(to + HEADER.ORIGIN_EPOCH, origin, origin + 4)
  const firstTimeMs = doubles[(from + HEADER.FIRST_TIME) >> 1]!
  doubles[(to + HEADER.FIRST_TIME) >> 1] = firstTimeMs + extent.firstDelayMs
  doubles[(to + HEADER.LAST_TIME) >> 1] = firstTimeMs + extent.lastDelayMs
  doubles[(to + HEADER.RECEIVED_AT) >> 1] = doubles[(from + HEADER.RECEIVED_AT) >> 1]!
}

function copyRecords(arena: Arena, part: EncodePart, extent: Measured, out: number): void {
  const { words, bytes } = arena
  const isDeferred = isDeferredFrame(words, part.region)
  const bytesFrom = out + regionBytes(extent.runs, extent.records)
  const output = new Output(arena, bytesFrom, bytesFrom + extent.bytes)
  let run = -1
  let copiedRun = -1
  let runCount = 0
  let target = recordWord(out, extent.runs, 0)
  const cursor = new RecordCursor(words, part)
  for (let copied = 0; copied < extent.records && cursor.next(); copied++) {
    const { record, word } = cursor
    const word0 = words[word]!
    const offset = output.used
    const length = recordLength(words[word + 1]!)
    run = runOf(words, part, recordOffset(word0), run)
    if (run !== copiedRun)
      copyRun(words, runWord(part.region, run), runWord(out, runCount++), bytesFrom + offset)
    copiedRun = run
    const index = isDeferred ? deferredIndex(words, word) : record
    words[target] = (word0 & ~(0xffffff | RECORD_BREAK)) | RECORD_LF | offset
    words[target + 1] = length
    words[target + 2] = (words[word + 2]! >>> 0) - extent.firstDelayMs
    words[target + 3] = (index << 16) | (words[word + 3]! & ROUTE_BITS)
    target += RECORD_BYTES / 4
    const from = part.bytesFrom + recordOffset(word0)
    output.copy(from, from + length)
    output.put(LF)
  }
  bytes.fill(0, bytesFrom + output.used, out + frameBytes(extent.runs, extent.records, extent.bytes))
}

/** Whose records they are; what became of the run was told when it first stood in the log. */
function copyRun(words: Int32Array, from: number, to: number, bytesFrom: number): void {
  words.fill(0, to, to + RUN_BYTES / 4)
  words[to + RUN.FROM] = bytesFrom
  words[to + RUN.KIND] = words[from + RUN.KIND]!
  words[to + RUN.PEER_BYTES] = words[from + RUN.PEER_BYTES]!
  words.copyWithin(to + RUN.PEER, from + RUN.PEER, from + RUN_BYTES / 4)
}
