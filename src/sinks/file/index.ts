/**
 * Sink `file`: an archive of NDJSON files, rotated by size and age.
 *
 * A batch is appended, committed (fdatasync) and then settled; a compressed batch is one gzip member or zstd frame. What
 * was written but not settled never stays: a failed write or commit cuts the file back and ends it, and a killed
 * process's file is cut back at the next start. After the host itself went down, whole events of the last batch may stay
 * and come again, and nothing settled is missing.
 *
 *     <path>/<sink>-<UTC when it was begun>-<number>.ndjson[.gz|.zst]
 */
import { nodeFileIo } from '../../base/file-io.ts'
import type { FileIo } from '../../base/file-io.ts'
import { reasonOf, spwError } from '../../base/errors.ts'
import type { Outcome, Payload, Sink, SinkContext } from '../../pipeline/sink.ts'
import { ArchiveFile, repair } from './archive-file.ts'
import type { FileSinkConfig } from './config.ts'
import { SettledMark, readBootId } from './settled-mark.ts'

const EXTENSIONS = { none: '.ndjson', gzip: '.ndjson.gz', zstd: '.ndjson.zst' } as const
const ACK: Outcome = { kind: 'ack' }
const STOPPED: Outcome = { kind: 'retry', category: 'unknown', reason: 'the sink is stopped' }

export class FileSink implements Sink {
  readonly #config: FileSinkConfig
  readonly #context: SinkContext
  readonly #io: FileIo
  readonly #bootId: string
  #mark: SettledMark | null = null
  #file: ArchiveFile | null = null
  /** A file that a write failed on, until it is cut back. */
  #damaged: ArchiveFile | null = null
  #count = 0
  /** Batches are written one after another. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(config: FileSinkConfig, context: SinkContext, io: FileIo = nodeFileIo, bootId = readBootId()) {
    this.#config = config
    this.#context = context
    this.#io = io
    this.#bootId = bootId
  }

  async start(): Promise<void> {
    const { name, path, compression } = this.#config
    try {
      await this.#io.makeDirectory(path)
      await repair(this.#io, path, this.#bootId, compression)
      this.#mark = await SettledMark.create(this.#io, path, this.#bootId)
    } catch (cause) {
      throw spwError('SPW_ERR_SINK_PATH', { sink: name, path, reason: reasonOf(cause) }, { cause })
    }
  }

  send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    const outcome = this.#last.then(() => (signal.aborted ? STOPPED : this.#write(payload)))
    this.#last = outcome
    return outcome
  }

  async stop(): Promise<void> {
    const mark = this.#mark
    this.#mark = null
    await this.#last
    const damaged = this.#damaged
    const file = this.#file
    this.#damaged = this.#file = null
    // What can't be cut back now is cut back at the next start.
    await damaged?.cutBack().catch(ignore)
    await Promise.allSettled([damaged?.close(), file?.close(), mark?.close()])
  }

  async #write({ views, bytes }: Payload): Promise<Outcome> {
    const mark = this.#mark
    if (mark === null) return STOPPED
    try {
      await this.#mend()
      const file = await this.#fileFor(bytes, mark)
      const end = await file.append(views)
      await mark.note(end)
      file.settledBytes = end
      return ACK
    } catch (error) {
      this.#damaged ??= this.#file
      this.#file = null
      // At once, so that a full disk gets its room back; where even that fails, before the next batch.
      await this.#mend().catch(ignore)
      return { kind: 'retry', category: 'io', reason: reasonOf(error) }
    }
  }

  async #mend(): Promise<void> {
    const damaged = this.#damaged
    if (damaged === null) return
    await damaged.cutBack()
    this.#damaged = null
    await damaged.close()
  }

  async #fileFor(bytes: number, mark: SettledMark): Promise<ArchiveFile> {
    const { path, rotate } = this.#config
    const nowMs = this.#context.clock.wallClock()
    const file = this.#file
    if (file !== null) {
      const isFull = file.settledBytes > 0 && file.settledBytes + bytes > rotate.maxBytes
      // A clock that was set back makes a new file too, so that no file is held open by it.
      const ageMs = Math.abs(nowMs - file.createdAtMs)
      if (!isFull && ageMs < rotate.maxAgeMs) return file
      this.#file = null
      await file.close()
    }
    // A name that is taken (the clock was set back) fails here, before the mark could doubt that file; the next is free.
    const created = await ArchiveFile.create(this.#io, path, this.#nextName(nowMs), nowMs)
    this.#file = created
    await mark.begin(created.name)
    await this.#io.syncDirectory(path)
    return created
  }

  #nextName(nowMs: number): string {
    const { name, compression } = this.#config
    const begun = new Date(nowMs).toISOString().replace(/[-:]/g, '')
    return `${name}-${begun}-${++this.#count}${EXTENSIONS[compression]}`
  }
}

function ignore(): void {
  // The outcome was told already.
}
