/* oxlint-disable no-await-in-loop -- what is left of one read is the next */
/**
 * `data_dir/journal/state`: two slots of fixed size, written in turn and in place, so that a full disk can't stop it and
 * a write that a crash tears leaves the other slot as it was. (A file system that copies on write may still need room.)
 *
 *     0                                  262,144                            524,288
 *     | head 24 B | JSON | (older bytes) | head 24 B | JSON | (older bytes) |
 *
 *     head    magic 4 | version 4 | generation 8 | bytes of JSON 4 | CRC-32 of what stands before it and of the JSON 4
 *
 * Little-endian. The head is laid out like this in all versions. The valid slot with the higher generation holds; a slot
 * with a head of zeros was never written.
 */
import assert from 'node:assert'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { reasonOf, SpillwayError, spwError } from '../base/errors.ts'
import { nodeFileIo } from '../base/file-io.ts'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { KIB } from '../base/units.ts'
import { writeAll } from '../base/write-all.ts'
import { coarsen } from './coarsen.ts'
import { parseSegmentName } from './segment-name.ts'
import { parseState } from './state-schema.ts'
import type { JournalState } from './state.ts'

export const SLOT_BYTES = 256 * KIB
const HEAD_BYTES = 24
/** Most JSON that a slot holds. */
export const STATE_BYTES_MAX = SLOT_BYTES - HEAD_BYTES
const MAGIC = 0x534c5053 // 'SPLS'
const VERSION = 1
const AT = { MAGIC: 0, VERSION: 4, GENERATION: 8, LENGTH: 16, CRC: 20 } as const

type Slot = 0 | 1
const SLOTS = [0, 1] as const

/** Why a slot can't be used. */
export interface BadSlot {
  readonly slot: Slot
  readonly reason: string
}

export interface FoundState {
  /** The newest; null where there is none yet, or none can be read. */
  readonly state: JournalState | null
  /** After a crash one is no surprise: the write that was under way. With both, the state is lost. */
  readonly bad: readonly BadSlot[]
}

/** What the state file tells the operator. */
export interface StateFileEvents {
  /** One slot can't be read; the other one holds the newest state that was synced, or nothing was written before. */
  stateSlotBad(slot: number, reason: string): void
  /** There was a state, and it is gone, or neither slot can be read. */
  stateLost(reason: string): void
}

interface Image {
  readonly slot: Slot
  readonly generation: number
  readonly bytes: Buffer
}

/** What goes to slot 1 before the first state goes to slot 0. */
const NEVER_WRITTEN: Image = { slot: 1, generation: 0, bytes: Buffer.alloc(HEAD_BYTES) }

interface Contents extends FoundState {
  readonly newest: Image | null
}

/** The state file of the one process that writes it, under the lock of `data_dir`. */
export class StateFile {
  readonly #path: string
  readonly #io: FileIo
  /** Null after a failure: the next write opens it anew. */
  #file: OpenFile | null
  /** What the file holds, as far as is known: written by us, or found. */
  #newest: Image | null
  /**
   * Whether the slot that is not written next is on disk for certain. What is found may stand only in the cache of a system
   * whose fdatasync failed, and what can't be read today may be read tomorrow: so that slot is written once more, first.
   */
  #otherDurable = false
  #writing = false
  /** As it was when the file was opened. */
  readonly found: FoundState

  private constructor(path: string, io: FileIo, file: OpenFile, { newest, state, bad }: Contents) {
    this.#path = path
    this.#io = io
    this.#file = file
    this.#newest = newest
    this.found = { state, bad }
  }

  /**
   * Opens it, or makes it, at its full size. Throws SPW_ERR_STATE_UNUSABLE where that fails, SPW_ERR_STATE_VERSION where a
   * later version has written it; a slot that can't be read is an event.
   */
  static async open(path: string, io: FileIo, events: StateFileEvents): Promise<StateFile> {
    let file: OpenFile | null = null
    try {
      file = await openOrMake(path, io)
      const contents = await readContents(path, file)
      await fillUp(file, contents)
      await io.syncDirectory(dirname(path))
      tell(contents, contents.state === null && (await standsBesideSegments(path, io)), events)
      return new StateFile(path, io, file, contents)
    } catch (error) {
      await file?.close().catch(() => {})
      if (error instanceof SpillwayError) throw error
      throw spwError('SPW_ERR_STATE_UNUSABLE', { path, reason: reasonOf(error) }, { cause: error })
    }
  }

  /**
   * Durable when it resolves; one call at a time. A state that is too large for a slot is written coarser (coarsen.ts).
   * Rejects with what the disk says: then what was written last holds, and the next call tries again. Throws
   * SPW_ERR_STATE_TOO_LARGE.
   */
  async write(state: JournalState): Promise<void> {
    assert(!this.#writing, 'a state is written when the one before it is')
    this.#writing = true
    const slot: Slot = this.#newest?.slot === 0 ? 1 : 0
    try {
      const image = imageOf(state, slot, (this.#newest?.generation ?? 0) + 1)
      if (!this.#otherDurable) await this.#put(this.#newest ?? NEVER_WRITTEN)
      this.#otherDurable = true
      await this.#put(image)
      this.#newest = image
    } finally {
      this.#writing = false
    }
  }

  /** No write may be under way. */
  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  /** A slot that failed is the only one in doubt: it is written again, through a new handle, and never the other one. */
  async #put({ slot, bytes }: Image): Promise<void> {
    const file = (this.#file ??= await openOrMake(this.#path, this.#io))
    try {
      await writeAll(file, [bytes], slot * SLOT_BYTES)
      await file.datasync()
    } catch (error) {
      this.#file = null
      await file.close().catch(() => {})
      throw error
    }
  }
}

/**
 * The state, for who only looks, also beside the process that writes it. Throws SPW_ERR_STATE_VERSION, and what the file
 * system says if the file is there and can't be opened.
 */
export async function readState(path: string, io: FileIo = nodeFileIo): Promise<FoundState> {
  let file: OpenFile
  try {
    file = await io.open(path, 'read')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return { state: null, bad: [] }
    throw error
  }
  try {
    // A writer can overtake us: it finishes the slot that was torn when we read it, and begins the other one.
    let contents = await readContents(path, file)
    if (contents.bad.length === SLOTS.length) contents = await readContents(path, file)
    return { state: contents.state, bad: contents.bad }
  } finally {
    await file.close().catch(() => {})
  }
}

async function openOrMake(path: string, io: FileIo): Promise<OpenFile> {
  try {
    return await io.open(path, 'modify')
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
  await io.makeDirectory(dirname(path))
  await io.syncDirectory(dirname(dirname(path)))
  return io.open(path, 'create')
}

/** Written zeros, not a hole: their blocks are ours. */
async function fillUp(file: OpenFile, { newest, bad }: Contents): Promise<void> {
  const unused = newest === null && bad.length === 0
  const from = unused ? 0 : await file.bytes()
  const missingBytes = SLOTS.length * SLOT_BYTES - from
  if (missingBytes <= 0) return
  await writeAll(file, [new Uint8Array(missingBytes)], from)
  await file.datasync()
}

/** There is a state before there is a segment: one beside segments had something in it. */
async function standsBesideSegments(path: string, io: FileIo): Promise<boolean> {
  return (await io.list(dirname(path))).some((name) => parseSegmentName(name) !== undefined)
}

function tell({ state, bad }: Contents, hadOne: boolean, events: StateFileEvents): void {
  if (state === null && (hadOne || bad.length === SLOTS.length)) {
    events.stateLost(bad.map(({ slot, reason }) => `slot ${slot}: ${reason}`).join('; ') || 'there is none')
  } else {
    for (const { slot, reason } of bad) events.stateSlotBad(slot, reason)
  }
}

async function readContents(path: string, file: OpenFile): Promise<Contents> {
  const bad: BadSlot[] = []
  let newest: Image | null = null
  let state: JournalState | null = null
  for (const slot of SLOTS) {
    const read = await readSlot(path, file, slot)
    if (read === null) continue
    if ('reason' in read) {
      bad.push(read)
    } else if (newest === null || read.image.generation > newest.generation) {
      newest = read.image
      state = read.state
    }
  }
  return { newest, state, bad }
}

/** Null where it was never written. */
async function readSlot(
  path: string,
  file: OpenFile,
  slot: Slot,
): Promise<{ image: Image; state: JournalState } | BadSlot | null> {
  let bytes: Buffer
  try {
    bytes = await readImage(file, slot)
  } catch (error) {
    return { slot, reason: reasonOf(error) }
  }
  if (bytes.every((byte) => byte === 0)) return null
  const length = bytes.readUInt32LE(AT.LENGTH)
  const whole =
    bytes.readUInt32LE(AT.MAGIC) === MAGIC &&
    length === bytes.length - HEAD_BYTES &&
    bytes.readUInt32LE(AT.CRC) === checksum(bytes)
  if (!whole) return { slot, reason: 'not written whole, or damaged' }
  const version = bytes.readUInt32LE(AT.VERSION)
  if (version !== VERSION) throw spwError('SPW_ERR_STATE_VERSION', { path, version, known: VERSION })
  const state = parseState(bytes.toString('utf8', HEAD_BYTES))
  if (state === null) return { slot, reason: 'its JSON is none of a state' }
  const generation = Number(bytes.readBigUInt64LE(AT.GENERATION))
  return { image: { slot, generation, bytes }, state }
}

/** Head and JSON; the head alone where its length is none. Zeros for what lies behind the end of the file. */
async function readImage(file: OpenFile, slot: Slot): Promise<Buffer> {
  const head = Buffer.alloc(HEAD_BYTES)
  await readWhole(file, head, slot * SLOT_BYTES)
  const length = head.readUInt32LE(AT.LENGTH)
  if (length === 0 || length > STATE_BYTES_MAX) return head
  const json = Buffer.alloc(length)
  await readWhole(file, json, slot * SLOT_BYTES + HEAD_BYTES)
  return Buffer.concat([head, json])
}

function imageOf(state: JournalState, slot: Slot, generation: number): Image {
  let json = JSON.stringify(state)
  const excessBytes = Buffer.byteLength(json) - STATE_BYTES_MAX
  if (excessBytes > 0) {
    const coarse = coarsen(state, excessBytes)
    if (coarse === null) throw spwError('SPW_ERR_STATE_TOO_LARGE', { excessBytes, maxBytes: STATE_BYTES_MAX })
    json = JSON.stringify(coarse)
  }
  const length = Buffer.byteLength(json)
  const bytes = Buffer.alloc(HEAD_BYTES + length)
  bytes.writeUInt32LE(MAGIC, AT.MAGIC)
  bytes.writeUInt32LE(VERSION, AT.VERSION)
  bytes.writeBigUInt64LE(BigInt(generation), AT.GENERATION)
  bytes.writeUInt32LE(length, AT.LENGTH)
  bytes.write(json, HEAD_BYTES)
  bytes.writeUInt32LE(checksum(bytes), AT.CRC)
  return { slot, generation, bytes }
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEAD_BYTES), crc32(bytes.subarray(0, AT.CRC)))
}

/** What lies behind the end of the file stays as it is in `into`. */
async function readWhole(file: OpenFile, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const read = await file.read(into.subarray(done), position + done)
    if (read === 0) return
    done += read
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
