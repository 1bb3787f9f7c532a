/** Chosen records as a destination takes them: as lines, as an array, each with its id or without. */
import { Buffer } from 'node:buffer'
import type { Arena } from '../memory/arena.ts'
import { deferredIndex, eventIdPrefix, isDeferredFrame } from '../memory/event-id.ts'
import { recordLength, recordOffset } from '../memory/frame-region.ts'
import { RecordCursor } from '../memory/record-cursor.ts'
import { BULK_ACTION_HEAD, BULK_ACTION_TAIL, ID_MEMBER_TAIL, idMemberHead } from './event-id-text.ts'
import type { Output } from './output.ts'
import type { EncodePart, EncodeTask } from './task.ts'

const LF = 0x0a
const COMMA = 0x2c
const BRACKET_OPEN = 0x5b
const BRACKET_CLOSE = 0x5d
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
const BLANK = 0x20
const QUOTE = 0x22

/** Returns how many they were. */
export function gather(arena: Arena, task: EncodeTask, output: Output): number {
  const { format, eventIdField } = task
  if (format === 'ndjson' && eventIdField === undefined) return gatherLines(arena, task, output)
  if (format !== 'json') return gatherEach(arena, task, output)
  output.put(BRACKET_OPEN)
  const events = gatherEach(arena, task, output)
  output.put(BRACKET_CLOSE)
  return events
}

/** Records next to each other are copied together: between them stand blanks and one line feed. */
function gatherLines({ words }: Arena, { parts }: EncodeTask, output: Output): number {
  let events = 0
  for (const part of parts) {
    const cursor = new RecordCursor(words, part)
    let runFrom = -1
    let runTo = -1
    while (cursor.next()) {
      const from = part.bytesFrom + recordOffset(words[cursor.word]!)
      if (!cursor.joins) {
        if (runFrom !== -1) copyLine(output, runFrom, runTo)
        runFrom = from
      }
      runTo = from + recordLength(words[cursor.word + 1]!)
      events++
    }
    if (runFrom !== -1) copyLine(output, runFrom, runTo)
  }
  return events
}

function copyLine(output: Output, from: number, to: number): void {
  output.copy(from, to)
  output.put(LF)
}

function gatherEach({ words, bytes }: Arena, task: EncodeTask, output: Output): number {
  const { parts, format, eventIdField } = task
  const memberHead = eventIdField === undefined ? null : Buffer.from(idMemberHead(eventIdField))
  const isArray = format === 'json'
  let events = 0
  for (const part of parts) {
    const cursor = new RecordCursor(words, part)
    const ids = new IdWriter(words, part)
    while (cursor.next()) {
      const from = part.bytesFrom + recordOffset(words[cursor.word]!)
      const to = from + recordLength(words[cursor.word + 1]!)
      if (isArray && events > 0) output.put(COMMA)
      if (format === 'bulk') {
        output.write(ACTION_HEAD)
        ids.write(cursor, output)
        output.write(ACTION_TAIL)
      }
      if (memberHead === null || bytes[from] !== BRACE_OPEN) output.copy(from, to)
      else {
        output.write(memberHead)
        ids.write(cursor, output)
        const rest = firstMember(bytes, from)
        if (bytes[rest] === BRACE_CLOSE) output.put(QUOTE)
        else output.write(MEMBER_TAIL)
        output.copy(rest, to)
      }
      if (!isArray) output.put(LF)
      events++
    }
  }
  return events
}

/** Where the first member of an object begins, or its closing brace stands. */
function firstMember(bytes: Uint8Array, from: number): number {
  let at = from + 1
  while (bytes[at]! <= BLANK) at++
  return at
}

const ACTION_HEAD = Buffer.from(BULK_ACTION_HEAD)
const ACTION_TAIL = Buffer.from(BULK_ACTION_TAIL)
const MEMBER_TAIL = Buffer.from(ID_MEMBER_TAIL)

/** Writes the ids of a part's records. */
class IdWriter {
  readonly #words: Int32Array
  readonly #prefix: Buffer
  readonly #isDeferred: boolean

  constructor(words: Int32Array, { region }: EncodePart) {
    this.#words = words
    this.#prefix = Buffer.from(eventIdPrefix(words, region))
    this.#isDeferred = isDeferredFrame(words, region)
  }

  write({ record, word }: RecordCursor, output: Output): void {
    output.write(this.#prefix)
    output.writeNumber(this.#isDeferred ? deferredIndex(this.#words, word) : record)
  }
}
