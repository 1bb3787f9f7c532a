/**
 * The `encode` task: gathers chosen records of some frames into an output slab, in the form that a destination or the
 * dead-letter queue takes. Pure over the arena; runs on a worker.
 */
import assert from 'node:assert'
import type { Arena } from '../memory/arena.ts'
import {
  HEADER,
  RECORD_BREAK,
  RUN,
  isMeant,
  recordLength,
  recordOffset,
  recordWord,
  runOffset,
  runWord,
} from '../memory/frame-region.ts'
import { compress } from './compress.ts'
import { DeadLetterWriter } from './dead-letter.ts'
import { encodeDeferred } from './deferred-frame.ts'
import type { DeliveryFailure, EncodePart, EncodeResult, EncodeTask } from './task.ts'

const LF = 0x0a
const COMMA = 0x2c
const BRACKET_OPEN = 0x5b
const BRACKET_CLOSE = 0x5d

/** What a dead letter tells of a source. */
export interface EncodeSource {
  readonly name: string
  readonly schema: { readonly name: string }
  /** Its events were decoded. */
  readonly decoder?: unknown
}

/** Does one task; the bytes are at `task.outFrom`. The batcher has seen to it that NDJSON and JSON fit. */
export function encode(arena: Arena, sources: readonly EncodeSource[], task: EncodeTask): EncodeResult {
  if (task.format === 'dead_letter') return encodeDeadLetters(arena, sources, task)
  if (task.format === 'frame') return encodeDeferred(arena, task)
  const output = new Output(arena.bytes, task.outFrom, task.outTo)
  const events =
    task.format === 'ndjson' ? gatherLines(arena, task, output) : gatherArray(arena, task, output)
  const bytes =
    task.compression === 'none'
      ? output.used
      : compress(arena.bytes, task.outFrom, output.used, task.outTo, task.compression)
  return { bytes, events, nextPart: -1, nextRecord: -1 }
}

class Output {
  readonly #bytes: Uint8Array
  readonly #from: number
  readonly #to: number
  #at: number

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes
    this.#from = from
    this.#to = to
    this.#at = from
  }

  get used(): number {
    return this.#at - this.#from
  }

  copy(from: number, to: number): void {
    assert(this.#at + to - from <= this.#to, 'a batch fits its output')
    this.#bytes.copyWithin(this.#at, from, to)
    this.#at += to - from
  }

  put(byte: number): void {
    assert(this.#at < this.#to, 'a batch fits its output')
    this.#bytes[this.#at++] = byte
  }
}

/** Records next to each other are copied together: between them stand blanks and one line feed. */
function gatherLines(arena: Arena, task: EncodeTask, output: Output): number {
  const { words } = arena
  let events = 0
  for (const part of task.parts) {
    let runFrom = -1
    let runTo = -1
    for (let record = part.first; record < part.first + part.count; record++) {
      const word = recordWord(part.region, part.runs, record)
      const taken = isMeant(words, word, part.routeBit, part.lanes)
      if (runFrom !== -1 && (!taken || (words[word]! & RECORD_BREAK) !== 0)) {
        output.copy(runFrom, runTo)
        output.put(LF)
        runFrom = -1
      }
      if (!taken) continue
      const from = part.bytesFrom + recordOffset(words[word]!)
      if (runFrom === -1) runFrom = from
      runTo = from + recordLength(words[word + 1]!)
      events++
    }
    if (runFrom === -1) continue
    output.copy(runFrom, runTo)
    output.put(LF)
  }
  return events
}

function gatherArray(arena: Arena, task: EncodeTask, output: Output): number {
  const { words } = arena
  let events = 0
  output.put(BRACKET_OPEN)
  for (const part of task.parts) {
    for (let record = part.first; record < part.first + part.count; record++) {
      const word = recordWord(part.region, part.runs, record)
      if (!isMeant(words, word, part.routeBit, part.lanes)) continue
      if (events > 0) output.put(COMMA)
      const from = part.bytesFrom + recordOffset(words[word]!)
      output.copy(from, from + recordLength(words[word + 1]!))
      events++
    }
  }
  output.put(BRACKET_CLOSE)
  return events
}

function encodeDeadLetters(arena: Arena, sources: readonly EncodeSource[], task: EncodeTask): EncodeResult {
  const { failure } = task
  assert(failure !== undefined, 'a dead letter says why')
  const writer = new DeadLetterWriter(arena.bytes)
  writer.reset(task.outFrom, task.outTo)
  for (const [index, part] of task.parts.entries()) {
    const stopped = writePart(arena, sources, part, failure, writer)
    if (stopped !== -1)
      return { bytes: writer.used, events: writer.count, nextPart: index, nextRecord: stopped }
  }
  return { bytes: writer.used, events: writer.count, nextPart: -1, nextRecord: -1 }
}

/** -1, or the record that the output had no room for. */
function writePart(
  arena: Arena,
  sources: readonly EncodeSource[],
  part: EncodePart,
  failure: DeliveryFailure,
  writer: DeadLetterWriter,
): number {
  const { words } = arena
  // A frame that was read back may be of a source that has left the configuration, and its schema with it.
  const source = sources.find(({ name }) => name === part.sourceName)
  const common = {
    ...failure,
    source: part.sourceName,
    schema: source?.schema.name ?? '',
    receivedAtMs: arena.doubles[((part.region >> 2) + HEADER.RECEIVED_AT) >> 1]!,
    path: '',
    expected: '',
  }
  const peers = new PeerList(arena, part)
  for (let record = part.first; record < part.first + part.count; record++) {
    const word = recordWord(part.region, part.runs, record)
    if (!isMeant(words, word, part.routeBit, part.lanes)) continue
    const offset = recordOffset(words[word]!)
    const from = part.bytesFrom + offset
    const length = recordLength(words[word + 1]!)
    const peer = peers.of(offset) || senderOf(arena, source, from, from + length)
    const written = writer.write({ ...common, peer, from, to: from + length, length })
    if (!written) return record
  }
  return -1
}

/** A datagram's sender is known by address, in the event that was decoded from it. */
function senderOf(arena: Arena, source: EncodeSource | undefined, from: number, to: number): string {
  if (source?.decoder === undefined) return ''
  const event: unknown = JSON.parse(Buffer.from(arena.buffer, from, to - from).toString())
  const isEvent = typeof event === 'object' && event !== null && 'source_ip' in event
  return isEvent && typeof event.source_ip === 'string' ? event.source_ip : ''
}

/** Who sent a record: runs and records both ascend, so one walk finds all. */
class PeerList {
  readonly #arena: Arena
  readonly #part: EncodePart
  #run = -1
  #peer = ''

  constructor(arena: Arena, part: EncodePart) {
    this.#arena = arena
    this.#part = part
  }

  /** By a record's offset in the frame; records are asked for in ascending order. */
  of(offset: number): string {
    const { words, bytes } = this.#arena
    const { region, runs } = this.#part
    const before = this.#run
    while (this.#run + 1 < runs && runOffset(words, region, this.#run + 1) <= offset) this.#run++
    if (this.#run === before) return this.#peer
    const word = runWord(region, this.#run)
    const peerFrom = (word + RUN.PEER) * 4
    this.#peer = Buffer.from(bytes.buffer, peerFrom, words[word + RUN.PEER_BYTES]).toString('latin1')
    return this.#peer
  }
}
