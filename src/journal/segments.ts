/* oxlint-disable no-await-in-loop -- one file after another */
import assert from 'node:assert'
import { join } from 'node:path'
import { reasonOf } from '../base/errors.ts'
import type { FileIo } from '../base/file-io.ts'
import type { SegmentInfo } from './segment-file.ts'
import { segmentFileName } from './segment-name.ts'

/** Files that hold nothing and can't be unlinked either; with so many, no more are made. */
export const VOID_FILES_MAX = 8

export interface SegmentsOptions {
  readonly directory: string
  readonly io: FileIo
  /** What earlier runs left, ascending. */
  readonly found: readonly SegmentInfo[]
  /** Files can't be removed; called once until they can. */
  onRemovalFailing(reason: string): void
}

/**
 * The segments on disk, and how they go: the oldest first, each removal durable before the next, so that what a crash
 * leaves of them has no holes. Files of failed attempts, in which nothing was committed, go before any segment does: they
 * are told from segments by those that came behind them.
 */
export class Segments {
  /** Ascending. The last one is being written, or was last of all; it is never removed. */
  readonly list: SegmentInfo[]
  readonly #options: SegmentsOptions
  /** Files of failed attempts, with what they may take on disk. */
  readonly #void: SegmentInfo[] = []
  #removeBefore = 0
  #sweeping: Promise<void> | null = null
  /** Something was unlinked and the directory not synced. */
  #unsynced = false
  #failing = false
  /** Of all but the one being written. */
  #closedBytes = 0
  #open: SegmentInfo | null = null

  constructor(options: SegmentsOptions) {
    this.#options = options
    this.list = [...options.found]
    for (const segment of this.list) this.#closedBytes += diskBytes(segment)
  }

  /** What they take on disk, with what failed attempts left. */
  get bytes(): number {
    return this.#closedBytes + (this.#open === null ? 0 : diskBytes(this.#open))
  }

  get voidCount(): number {
    return this.#void.length
  }

  /** Something is committed in a new one. */
  opened(segment: SegmentInfo): void {
    assert(this.#open === null && segment.number > (this.list.at(-1)?.number ?? -1))
    this.#open = segment
    this.list.push(segment)
  }

  /** It is written no longer. Without anything committed in it, the file goes. */
  closed(segment: SegmentInfo): void {
    this.#closedBytes += diskBytes(segment)
    if (segment === this.#open) {
      this.#open = null
    } else {
      this.#void.push(segment)
      void this.sweep()
    }
  }

  removeBefore(number: number): void {
    const lastNumber = this.list.at(-1)?.number ?? 0
    this.#removeBefore = Math.max(this.#removeBefore, Math.min(number, lastNumber))
    void this.sweep()
  }

  /** Removes what is void or not needed, as far as the disk lets it; what it does not, the next time. Never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null
    })
    return this.#sweeping
  }

  async #sweep(): Promise<void> {
    try {
      for (;;) {
        if (this.#unsynced) await this.#options.io.syncDirectory(this.#options.directory)
        this.#unsynced = false
        const from = this.#void.length > 0 ? this.#void : this.list
        const segment = from[0]
        if (segment === undefined) break
        if (from === this.list && segment.number >= this.#removeBefore) break
        await this.#unlink(segment)
        this.#unsynced = true
        this.#closedBytes -= diskBytes(segment)
        from.shift()
      }
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#options.onRemovalFailing(reasonOf(error))
      this.#failing = true
    }
  }

  async #unlink(segment: SegmentInfo): Promise<void> {
    try {
      await this.#options.io.unlink(join(this.#options.directory, segmentFileName(segment)))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
}

function diskBytes({ bytes, tailBytes = 0 }: SegmentInfo): number {
  return bytes + tailBytes
}
