import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { reasonOf, spwError } from '../../base/errors.ts'
import { formatBytes, KIB, MIB } from '../../base/units.ts'
import type { Batch } from './batch.ts'
import type { Supply } from './supply.ts'
import { framed } from './template.ts'
import type { WireFraming } from './template.ts'

const READ_BYTES = 256 * KIB
const LINE_BYTES_MAX = 16 * MIB
const LF = 0x0a
const CR = 0x0d

/** The lines of a file, one event each, blank ones left out; read in pieces, whatever its size. */
export class FileSupply implements Supply {
  readonly #name: string
  readonly #file: FileHandle
  readonly #sizeBytes: number
  readonly #framing: WireFraming
  /** Begins anew at the end of the file. */
  readonly #looped: boolean
  #buffer = Buffer.allocUnsafe(READ_BYTES)
  /** What is in the buffer and not given out. */
  #from = 0
  #to = 0
  #readBytes = 0
  /** Where the next read begins; null for what can only be read on, such as a pipe. */
  #position: number | null
  #ended = false
  #linesThisTime = 0
  /** An event that did not fit into the batch before. */
  #left: Buffer | null = null

  private constructor(
    name: string,
    file: FileHandle,
    sizeBytes: number | null,
    framing: WireFraming,
    looped: boolean,
  ) {
    this.#name = name
    this.#file = file
    this.#sizeBytes = sizeBytes ?? 0
    this.#position = sizeBytes === null ? null : 0
    this.#framing = framing
    this.#looped = looped && sizeBytes !== null
  }

  /** @throws SpillwayError SPW_ERR_SEND_FILE */
  static async open(name: string, framing: WireFraming, looped: boolean): Promise<FileSupply> {
    try {
      const file = await open(name, 'r')
      const stat = await file.stat()
      return new FileSupply(name, file, stat.isFile() ? stat.size : null, framing, looped)
    } catch (error) {
      throw spwError('SPW_ERR_SEND_FILE', { file: name, reason: reasonOf(error) }, { cause: error })
    }
  }

  get progress(): number | undefined {
    return this.#looped || this.#sizeBytes === 0
      ? undefined
      : (this.#readBytes - this.#to + this.#from) / this.#sizeBytes
  }

  async load(batch: Batch, eventsMax: number): Promise<void> {
    while (batch.events < eventsMax) {
      // oxlint-disable-next-line no-await-in-loop -- a file is read from its beginning to its end
      const event = this.#left ?? this.#nextEvent() ?? (await this.#readEvent())
      this.#left = event
      if (event === null || !batch.reserve(event.length)) return
      batch.bytes.set(event, batch.length)
      batch.added(event.length)
      this.#left = null
    }
  }

  /** The next event of what was read; null when more must be. The bytes are good until then. */
  #nextEvent(): Buffer | null {
    for (;;) {
      const at = this.#buffer.subarray(0, this.#to).indexOf(LF, this.#from)
      const end = at === -1 ? this.#to : at
      if (at === -1 && (!this.#ended || this.#from === this.#to)) return null
      const line = this.#buffer.subarray(
        this.#from,
        this.#buffer[end - 1] === CR && end > this.#from ? end - 1 : end,
      )
      this.#from = at === -1 ? end : end + 1
      if (line.length === 0) continue
      this.#linesThisTime++
      return framed(line, this.#framing)
    }
  }

  /** Reads until there is an event; null at the end. */
  async #readEvent(): Promise<Buffer | null> {
    while (!this.#ended || this.#beginAnew()) {
      await this.#read() // oxlint-disable-line no-await-in-loop
      const event = this.#nextEvent()
      if (event !== null) return event
    }
    return null
  }

  /** False when the file is not looped, or has no line at all. */
  #beginAnew(): boolean {
    if (!this.#looped || this.#linesThisTime === 0) return false
    this.#position = this.#readBytes = this.#from = this.#to = this.#linesThisTime = 0
    this.#ended = false
    return true
  }

  async #read(): Promise<void> {
    this.#makeRoom()
    try {
      const { bytesRead } = await this.#file.read(
        this.#buffer,
        this.#to,
        this.#buffer.length - this.#to,
        this.#position,
      )
      this.#ended = bytesRead === 0
      this.#to += bytesRead
      this.#readBytes += bytesRead
      if (this.#position !== null) this.#position += bytesRead
    } catch (error) {
      throw spwError('SPW_ERR_SEND_FILE', { file: this.#name, reason: reasonOf(error) }, { cause: error })
    }
  }

  /** The unfinished line moves to the front; where it fills the buffer, a larger one is taken. */
  #makeRoom(): void {
    this.#buffer.copyWithin(0, this.#from, this.#to)
    this.#to -= this.#from
    this.#from = 0
    if (this.#to < this.#buffer.length) return
    if (this.#to >= LINE_BYTES_MAX) {
      const reason = `a line is longer than ${formatBytes(LINE_BYTES_MAX)}`
      throw spwError('SPW_ERR_SEND_FILE', { file: this.#name, reason })
    }
    const grown = Buffer.allocUnsafe(this.#buffer.length * 2)
    this.#buffer.copy(grown, 0, 0, this.#to)
    this.#buffer = grown
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}
