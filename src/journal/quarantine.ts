/* oxlint-disable no-await-in-loop -- one piece of a file after another */
import { join } from 'node:path'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import type { Clock } from '../base/clock.ts'
import { reasonOf } from '../base/errors.ts'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { GIB, MIB } from '../base/units.ts'
import { writeAll } from '../base/write-all.ts'
import type { Damage } from './damage.ts'
import { parseSegmentName, segmentFileName } from './segment-name.ts'
import type { SegmentName } from './segment-name.ts'

export const QUARANTINE_BYTES_MAX = GIB
export const QUARANTINE_FILES_MAX = 64
const COPY_BYTES = MIB
/** In one report; a segment with more of it is beyond reading about. */
export const REPORTED_DAMAGE_MAX = 1000
const REPORT_BYTES_MAX = MIB
const REPORT_SUFFIX = '.report.json'
/** A copy or report that is not finished. */
const PARTIAL_SUFFIX = '.partial'

const reportSchema = Type.Object({
  damage: Type.Array(Type.Unsafe<Damage>(Type.Object({ offset: Type.Integer() }))),
})

/** What the quarantine tells the operator. */
export interface QuarantineEvents {
  /** A copy of the segment is in `directory`, with a report. */
  journalQuarantined(name: string, directory: string): void
  journalQuarantineFailing(name: string, reason: string): void
}

export interface QuarantineOptions {
  /** `data_dir/journal`. */
  readonly directory: string
  readonly io: FileIo
  readonly clock: Clock
  readonly events: QuarantineEvents
  readonly maxBytes?: number
  readonly filesMax?: number
}

interface Copy {
  readonly name: string
  readonly bytes: number
}

/**
 * `data_dir/journal/quarantine`: copies of segments in which damage was found, each with a report of what is in doubt, so
 * that it can be looked into after the segment itself is delivered and gone. Bounded: the oldest copies go.
 */
export class Quarantine {
  readonly directory: string
  readonly #segments: string
  readonly #io: FileIo
  readonly #clock: Clock
  readonly #events: QuarantineEvents
  readonly #maxBytes: number
  readonly #filesMax: number

  constructor({ directory, io, clock, events, maxBytes, filesMax }: QuarantineOptions) {
    this.directory = join(directory, 'quarantine')
    this.#segments = directory
    this.#io = io
    this.#clock = clock
    this.#events = events
    this.#maxBytes = maxBytes ?? QUARANTINE_BYTES_MAX
    this.#filesMax = filesMax ?? QUARANTINE_FILES_MAX
  }

  /**
   * Copies a segment, unless that was done before, and writes its report anew. False, with an event, where the disk doesn't
   * let it, or the segment alone is larger than all copies may be. One call at a time.
   */
  async keep(segment: SegmentName, damage: readonly Damage[]): Promise<boolean> {
    const name = segmentFileName(segment)
    try {
      await this.#io.makeDirectory(this.directory)
      const copied = (await this.#io.list(this.directory)).includes(name)
      if (!copied) await this.#copy(name)
      await this.#report(name, damage)
      await this.#io.syncDirectory(this.directory)
      await this.#io.syncDirectory(this.#segments)
      if (!copied) this.#events.journalQuarantined(name, this.directory)
      return true
    } catch (error) {
      this.#events.journalQuarantineFailing(name, reasonOf(error))
      return false
    }
  }

  async #copy(name: string): Promise<void> {
    const from = await this.#io.open(join(this.#segments, name), 'read')
    try {
      await this.#makeRoom(await from.bytes())
      await this.#write(name, (to) => copyAll(from, to))
    } finally {
      await from.close().catch(() => {})
    }
  }

  /** Whoever reads the segment meets the same damage; who told of a place first may know more of it. */
  async #report(name: string, found: readonly Damage[]): Promise<void> {
    const known = await this.#reported(name + REPORT_SUFFIX)
    const added = found.filter(({ offset }) => !known.some((damage) => damage.offset === offset))
    if (added.length === 0 && known.length > 0) return
    const damage = [...known, ...added].slice(0, REPORTED_DAMAGE_MAX)
    const report = { segment: name, written_at: new Date(this.#clock.wallClock()).toISOString(), damage }
    const json = Buffer.from(`${JSON.stringify(report, undefined, 2)}\n`)
    await this.#write(name + REPORT_SUFFIX, (to) => writeAll(to, [json], 0))
  }

  async #reported(name: string): Promise<Damage[]> {
    try {
      const file = await this.#io.open(join(this.directory, name), 'read')
      try {
        const json = Buffer.alloc(Math.min(await file.bytes(), REPORT_BYTES_MAX))
        const report: unknown = JSON.parse(json.toString('utf8', 0, await file.read(json, 0)))
        return Check(reportSchema, report) ? report.damage : []
      } finally {
        await file.close().catch(() => {})
      }
    } catch {
      return []
    }
  }

  /** Whole under its name, or not there. */
  async #write(name: string, fill: (to: OpenFile) => Promise<void>): Promise<void> {
    const path = join(this.directory, name)
    const partial = path + PARTIAL_SUFFIX
    await this.#io.unlink(partial).catch(() => {})
    const to = await this.#io.open(partial, 'create')
    try {
      await fill(to)
      await to.datasync()
    } catch (error) {
      await this.#io.unlink(partial).catch(() => {})
      throw error
    } finally {
      await to.close().catch(() => {})
    }
    await this.#io.rename(partial, path)
  }

  async #makeRoom(bytes: number): Promise<void> {
    if (bytes > this.#maxBytes)
      throw new Error(`it is longer than all copies may be: ${this.#maxBytes} bytes`)
    const copies = await this.#copies()
    let sum = copies.reduce((total, copy) => total + copy.bytes, bytes)
    while (copies.length >= this.#filesMax || sum > this.#maxBytes) {
      const oldest = copies.shift()!
      sum -= oldest.bytes
      await this.#io.unlink(join(this.directory, oldest.name))
      await this.#io.unlink(join(this.directory, oldest.name + REPORT_SUFFIX)).catch(() => {})
    }
  }

  /** Oldest first. */
  async #copies(): Promise<Copy[]> {
    const copies: Copy[] = []
    for (const name of (await this.#io.list(this.directory)).toSorted()) {
      if (parseSegmentName(name) === undefined) continue
      const file = await this.#io.open(join(this.directory, name), 'read')
      copies.push({ name, bytes: await file.bytes() })
      await file.close()
    }
    return copies
  }
}

/** What the disk can't read of a segment is not in its copy: that ends before it. */
async function copyAll(from: OpenFile, to: OpenFile): Promise<void> {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, await from.bytes()))
  for (let position = 0; ;) {
    const read = buffer.length === 0 ? 0 : await from.read(buffer, position).catch(() => 0)
    if (read === 0) return
    await writeAll(to, [buffer.subarray(0, read)], position)
    position += read
  }
}
