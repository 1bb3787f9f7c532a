/** Chosen records as dead letters: each with who sent it, and why it was given up. */
import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import type { Arena } from '../memory/arena.ts'
import { HEADER, RUN, recordLength, recordOffset, runOffset, runWord } from '../memory/frame-region.ts'
import { RecordCursor } from '../memory/record-cursor.ts'
import { DeadLetterWriter } from './dead-letter.ts'
import type { DeliveryFailure, EncodePart, EncodeResult, EncodeTask } from './task.ts'

/** What a dead letter tells of a source. */
export interface EncodeSource {
  readonly name: string
  readonly schema: { readonly name: string; readonly version: string }
  /** Its events were decoded. */
  readonly decoder?: unknown
}

/** Goes as far as the output has room; `nextPart` and `nextRecord` say where to go on. */
export function encodeDeadLetters(
  arena: Arena,
  sources: readonly EncodeSource[],
  task: EncodeTask,
): EncodeResult {
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
    ...part.remark,
    source: part.sourceName,
    schema: source?.schema.name ?? '',
    schemaVersion: source?.schema.version ?? '',
    receivedAtMs: arena.doubles[((part.region >> 2) + HEADER.RECEIVED_AT) >> 1]!,
    path: '',
    expected: '',
  }
  const peers = new PeerList(arena, part)
  const cursor = new RecordCursor(words, part)
  while (cursor.next()) {
    const offset = recordOffset(words[cursor.word]!)
    const from = part.bytesFrom + offset
    const length = recordLength(words[cursor.word + 1]!)
    const peer = peers.of(offset) || senderOf(arena, source, from, from + length)
    if (!writer.write({ ...common, peer, from, to: from + length, length })) return cursor.record
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
