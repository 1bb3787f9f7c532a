/**
 * The `group` task: which records of a part have the same value in a field, such as a tenant. Pure over the arena; runs on
 * a worker.
 */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { EncodePart } from '../encode/task.ts'
import type { Arena } from '../memory/arena.ts'
import { recordLength, recordOffset } from '../memory/frame-region.ts'
import { RecordCursor } from '../memory/record-cursor.ts'
import { follow, parsePointer } from '../schema/pointer.ts'
import { ABSENT, UNDECIDED, locate } from './locate.ts'
import { OPEN_ARRAY, OPEN_OBJECT, TREE_DEPTH_MAX, treeEnd } from './tree.ts'

/** In UTF-16 code units; a longer key is shortened to it, with a digest of the whole at its end. */
export const GROUP_KEY_CHARS_MAX = 256
const DIGEST_CHARS = 22

export interface GroupTask {
  readonly part: EncodePart
  /** A top-level key, or a JSON pointer where it begins with "/". */
  readonly field: string
}

/** Events that have one value in the field. */
export interface EventGroup {
  /**
   * The value: text as it is, numbers and booleans as JSON writes them; '' where it is absent, null, an object or an array.
   */
  readonly key: string
  /** Indexes in the table, ascending. In a buffer of its own. */
  readonly pick: Uint16Array
}

/** The records of a part that are meant, by the value of a field, in the order in which values come first. */
export function group(arena: Arena, { part, field }: GroupTask): EventGroup[] {
  const { words } = arena
  const keys = new KeyReader(arena, field)
  const records = new Uint16Array(part.pick?.length ?? part.count)
  const groupOf = new Uint16Array(records.length)
  const sizes: number[] = []
  const cursor = new RecordCursor(words, part)
  let count = 0
  while (cursor.next()) {
    const from = part.bytesFrom + recordOffset(words[cursor.word]!)
    const index = keys.indexOf(from, from + recordLength(words[cursor.word + 1]!))
    sizes[index] = (sizes[index] ?? 0) + 1
    records[count] = cursor.record
    groupOf[count++] = index
  }
  const groups = keys.texts.map((key, index) => ({ key, pick: new Uint16Array(sizes[index]!) }))
  const used = new Uint16Array(groups.length)
  for (let i = 0; i < count; i++) {
    const index = groupOf[i]!
    groups[index]!.pick[used[index]!++] = records[i]!
  }
  return groups
}

/** Numbers the keys of records as they come. A value is only decoded when its bytes are seen for the first time. */
class KeyReader {
  /** By number. */
  readonly texts: string[] = []
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  readonly #view: DataView
  readonly #tokens: readonly string[]
  readonly #names: readonly Uint8Array[]
  readonly #byText = new Map<string, number>()
  /** By the value's bytes, read as Latin-1: a text that is quickly made. */
  readonly #byBytes = new Map<string, number>()

  constructor({ buffer, bytes, nodeBuffer }: Arena, field: string) {
    this.#bytes = bytes
    this.#buffer = nodeBuffer
    this.#view = new DataView(buffer)
    this.#tokens = field.startsWith('/') ? (parsePointer(field) ?? [field]) : [field]
    this.#names = this.#tokens.map((token) => Buffer.from(token))
  }

  /** Number of the key of the record at [from, to). */
  indexOf(from: number, to: number): number {
    const bytes = this.#bytes
    const at = locate(bytes, this.#view, from, this.#names)
    if (at === UNDECIDED) return this.#slowly(from, to)
    if (at === ABSENT || bytes[at] === OPEN_OBJECT || bytes[at] === OPEN_ARRAY) return this.#indexOfText('')
    const end = treeEnd(bytes, this.#view, at, TREE_DEPTH_MAX, true)
    const spelling = this.#buffer.toString('latin1', at, end)
    let index = this.#byBytes.get(spelling)
    if (index === undefined) {
      index = this.#indexOfText(keyOf(JSON.parse(this.#buffer.toString('utf8', at, end))))
      this.#byBytes.set(spelling, index)
    }
    return index
  }

  #slowly(from: number, to: number): number {
    const event: unknown = JSON.parse(this.#buffer.toString('utf8', from, to))
    return this.#indexOfText(keyOf(follow(event, this.#tokens)))
  }

  #indexOfText(text: string): number {
    let index = this.#byText.get(text)
    if (index === undefined) {
      index = this.texts.length
      this.texts.push(text)
      this.#byText.set(text, index)
    }
    return index
  }
}

function keyOf(value: unknown): string {
  if (typeof value === 'string') return shortened(value)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

function shortened(key: string): string {
  if (key.length <= GROUP_KEY_CHARS_MAX) return key
  const digest = createHash('sha256').update(key).digest('base64url').slice(0, DIGEST_CHARS)
  return `${key.slice(0, GROUP_KEY_CHARS_MAX - DIGEST_CHARS - 1)}#${digest}`
}
