/* oxlint-disable no-await-in-loop -- what is left of one read is the next */
import type { OpenFile } from '../base/file-io.ts'
import { newFrameMemory } from './frame-codec.ts'
import type { FrameMemory } from './frame-codec.ts'

/**
 * The piece of a file that is in memory, moved along as it is read. It grows to what is asked for at once, which for a
 * journal is at most a frame (FRAME_BYTES_MAX), and as a rule stays as it is.
 */
export class FileWindow {
  memory: FrameMemory = newFrameMemory(0)
  /** Where in memory what was read ends. */
  end = 0
  readonly #file: OpenFile
  readonly #windowBytes: number
  /** Offset in the file of what stands at 0. */
  #base = 0

  constructor(file: OpenFile, windowBytes: number) {
    this.#file = file
    this.#windowBytes = windowBytes
  }

  /**
   * Loads `bytes` from `offset` (a multiple of 8) on, or as many as the file has, and returns where in memory they begin;
   * they end, with whatever was read behind them, at `end`. What was loaded before may be gone.
   */
  async load(offset: number, bytes: number): Promise<number> {
    const loaded = offset >= this.#base && offset + bytes <= this.#base + this.end
    if (!loaded) await this.#move(offset, bytes)
    return offset - this.#base
  }

  async #move(offset: number, bytes: number): Promise<void> {
    const kept = offset >= this.#base && offset < this.#base + this.end
    const left = kept ? this.memory.bytes.subarray(offset - this.#base, this.end) : new Uint8Array()
    if (bytes > this.memory.bytes.length) this.memory = newFrameMemory(await this.#bytesFor(bytes))
    this.memory.bytes.set(left)
    this.end = left.length
    this.#base = offset
    while (this.end < bytes) {
      const read = await this.#file.read(this.memory.bytes.subarray(this.end), offset + this.end)
      if (read === 0) return
      this.end += read
    }
  }

  /** No more than there is to read, for small files. */
  async #bytesFor(bytes: number): Promise<number> {
    return Math.max(bytes, Math.min(this.#windowBytes, await this.#file.bytes()))
  }
}
