import { dirname, join } from 'node:path'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { writeAll } from '../base/write-all.ts'
import { segmentFileName } from './segment-name.ts'
import type { SegmentName } from './segment-name.ts'

/** A segment with something committed in it. */
export interface SegmentInfo extends SegmentName {
  /** Where what is committed ends: file offset. */
  readonly bytes: number
  /** What a failed write may have left behind that. */
  readonly tailBytes?: number
}

/**
 * The segment that is being written: one group of frames after another, each durable before the next is begun. After a
 * failure only `close` may be called: the kernel may count pages as clean that never reached the disk, so another sync of
 * this file would say that all is well when it is not.
 */
export class SegmentFile implements SegmentInfo {
  readonly number: number
  readonly firstSequence: number
  bytes = 0
  tailBytes = 0
  readonly #io: FileIo
  readonly #directory: string
  readonly #file: OpenFile

  constructor(io: FileIo, directory: string, name: SegmentName, file: OpenFile) {
    this.number = name.number
    this.firstSequence = name.firstSequence
    this.#io = io
    this.#directory = directory
    this.#file = file
  }

  /** Makes the file; its directory too, should that be missing. */
  static async create(io: FileIo, directory: string, name: SegmentName): Promise<SegmentFile> {
    await io.makeDirectory(directory)
    await io.syncDirectory(dirname(directory))
    const file = await io.open(join(directory, segmentFileName(name)), 'create')
    return new SegmentFile(io, directory, name, file)
  }

  async #cutTail(): Promise<void> {
    await this.#file.truncate(this.bytes)
    this.tailBytes = 0
  }

  /** Resolves when the views, `bytes` long together, are on disk behind what was there; the first time, its name too. */
  async append(views: readonly Uint8Array[], bytes: number): Promise<void> {
    this.tailBytes = bytes
    await writeAll(this.#file, views, this.bytes)
    await this.#file.datasync()
    if (this.bytes === 0) await this.#io.syncDirectory(this.#directory)
    this.tailBytes = 0
    this.bytes += bytes
  }

  /**
   * What counts is on disk already, so nothing is lost when closing fails. What a failed write left behind it goes, if the
   * disk lets it: on a full disk that may be all the room there is.
   */
  async close(): Promise<void> {
    if (this.tailBytes > 0) await this.#cutTail().catch(() => {})
    await this.#file.close().catch(() => {})
  }
}
