import { basename, dirname } from 'node:path'
import type { Clock, Timer } from '../../src/base/clock.ts'
import type { FileIo, OpenFile } from '../../src/base/file-io.ts'
import { SimulatedFile, shareOf } from './simulated-file.ts'

export type Operation =
  | 'makeDirectory'
  | 'list'
  | 'open'
  | 'rename'
  | 'unlink'
  | 'syncDirectory'
  | 'writev'
  | 'read'
  | 'datasync'
  | 'truncate'
  | 'bytes'
  | 'close'

export interface SimulatedDiskOptions {
  /** Decides everything that is left to chance. */
  readonly random: () => number
  /** For `slowMs`. */
  readonly clock?: Clock
  /** There from the begin, with what is above them. */
  readonly directories?: readonly string[]
  /**
   * Names of files that must not be written or synced once that has failed, nor twice at the same time; `violations` says
   * where it was done nevertheless.
   */
  readonly strict?: (name: string) => boolean
}

/** A change of names that no sync of its directory has made durable yet. */
type NameChange =
  | { readonly path: string; readonly file: SimulatedFile | null }
  | { readonly path: string; readonly from: string; readonly file: SimulatedFile }

/**
 * A disk in memory, for simulations: it fails when told to, fills up, is slow, and can crash, after which anything may
 * have survived of what was not synced. The same seed gives the same run.
 *
 * Without a clock an operation takes a few microtasks; with one up to `slowMs` of its time.
 */
export class SimulatedDisk implements FileIo {
  /** Code of the error that an operation fails with, where it does. `name` is a base name. */
  fault: (operation: Operation, name: string) => string | undefined = () => undefined
  /** May be raised again. */
  capacityBytes = Infinity
  /** How often a write or a read is short, 0 to 1. */
  shortWrites = 0
  shortReads = 0
  slowMs = 0
  readonly violations: string[] = []
  readonly count: Partial<Record<Operation, number>> = {}
  readonly #options: SimulatedDiskOptions
  readonly #random: () => number
  #names = new Map<string, SimulatedFile>()
  readonly #durableNames = new Map<string, SimulatedFile>()
  #nameChanges: NameChange[] = []
  /** By path: is its name durable? */
  readonly #directories = new Map<string, boolean>()
  readonly #unnamed = new Set<SimulatedFile>()
  readonly #timers = new Set<Timer>()
  #crashed = false

  constructor(options: SimulatedDiskOptions) {
    this.#options = options
    this.#random = options.random
    for (const path of options.directories ?? []) this.#addDirectories(path, true)
  }

  /** Takes the power: nothing that is on its way ever comes back. What is left is found on the disk returned. */
  crash(): SimulatedDisk {
    this.#crashed = true
    for (const timer of this.#timers) timer.clear()
    const left = new SimulatedDisk({ ...this.#options, directories: [] })
    left.capacityBytes = this.capacityBytes
    for (const [path, durable] of this.#directories) {
      const above = dirname(path)
      if (above !== path && !left.#directories.has(above)) continue
      if (durable || this.#random() < 0.5) left.#directories.set(path, true)
    }
    const names = new Map(this.#durableNames)
    const share = shareOf(this.#random)
    for (const change of this.#nameChanges) if (this.#random() < share) applyName(names, change)
    for (const [path, file] of names) {
      if (left.#directories.has(dirname(path))) left.put(path, file.afterCrash(this.#random))
    }
    return left
  }

  /** A file that is wholly on the platter. */
  put(path: string, bytes: Uint8Array): void {
    const file = new SimulatedFile(bytes)
    this.#addDirectories(dirname(path), true)
    this.#names.set(path, file)
    this.#durableNames.set(path, file)
  }

  /** As the kernel shows it. */
  content(path: string): Buffer {
    const file = this.#names.get(path)
    if (file === undefined) throw failure('ENOENT')
    return file.bytes
  }

  /** Base names, sorted. */
  names(directory: string): string[] {
    return [...this.#names.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => basename(path))
      .toSorted()
  }

  /** With everything below it, for good. */
  removeDirectory(path: string): void {
    const below = (other: string) => other === path || other.startsWith(`${path}/`)
    for (const [name, file] of this.#names) {
      if (below(name)) this.#nameChanged({ path: name, file: null }, file)
    }
    for (const name of this.#durableNames.keys()) if (below(name)) this.#durableNames.delete(name)
    this.#nameChanges = this.#nameChanges.filter((change) => !below(change.path))
    for (const other of this.#directories.keys()) if (below(other)) this.#directories.delete(other)
  }

  get usedBytes(): number {
    let bytes = 0
    for (const file of [...this.#names.values(), ...this.#unnamed]) bytes += file.bytes.length
    return bytes
  }

  get openCount(): number {
    let handles = 0
    for (const file of [...this.#names.values(), ...this.#unnamed]) handles += file.handles
    return handles
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#turn('makeDirectory', path)
    this.#addDirectories(path, false)
  }

  async list(path: string): Promise<string[]> {
    await this.#turn('list', path)
    this.#needDirectory(path)
    return this.names(path).toReversed()
  }

  async open(path: string, how: 'create' | 'modify' | 'read'): Promise<OpenFile> {
    await this.#turn('open', path)
    this.#needDirectory(dirname(path))
    let file = this.#names.get(path)
    if (how === 'create') {
      if (file !== undefined) throw failure('EEXIST')
      file = new SimulatedFile()
      this.#nameChanged({ path, file })
    }
    if (file === undefined) throw failure('ENOENT')
    file.handles++
    return this.#handle(basename(path), file)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#turn('rename', from)
    const file = this.#names.get(from)
    if (file === undefined) throw failure('ENOENT')
    this.#needDirectory(dirname(to))
    this.#nameChanged({ path: to, from, file }, this.#names.get(to))
  }

  async unlink(path: string): Promise<void> {
    await this.#turn('unlink', path)
    const file = this.#names.get(path)
    if (file === undefined) throw failure('ENOENT')
    this.#nameChanged({ path, file: null }, file)
  }

  async syncDirectory(path: string): Promise<void> {
    const changes = this.#nameChanges.filter((change) => dirname(change.path) === path)
    const directories = [...this.#directories.keys()].filter((other) => dirname(other) === path)
    await this.#turn('syncDirectory', path)
    this.#needDirectory(path)
    for (const change of changes)
      if (this.#nameChanges.includes(change)) applyName(this.#durableNames, change)
    this.#nameChanges = this.#nameChanges.filter((change) => !changes.includes(change))
    for (const other of directories) if (this.#directories.has(other)) this.#directories.set(other, true)
  }

  #addDirectories(path: string, durable: boolean): void {
    const above = dirname(path)
    if (above !== path) this.#addDirectories(above, durable)
    if (durable || !this.#directories.has(path)) this.#directories.set(path, durable || above === path)
  }

  #needDirectory(path: string): void {
    if (!this.#directories.has(path)) throw failure('ENOENT')
  }

  #nameChanged(change: NameChange, replaced?: SimulatedFile): void {
    applyName(this.#names, change)
    this.#nameChanges.push(change)
    if (replaced !== undefined && replaced.handles > 0) this.#unnamed.add(replaced)
  }

  #handle(name: string, file: SimulatedFile): OpenFile {
    return {
      writev: (views, position) =>
        this.#alone('writev', name, file, () => this.#write(name, file, views, position)),
      read: (into, position) => this.#read(name, file, into, position),
      datasync: () => this.#alone('datasync', name, file, () => this.#sync(name, file)),
      truncate: (length) =>
        this.#alone('truncate', name, file, async () => {
          await this.#turn('truncate', name)
          file.change({ length })
        }),
      bytes: async () => {
        await this.#turn('bytes', name)
        return file.bytes.length
      },
      close: async () => {
        file.handles--
        if (file.handles === 0) this.#unnamed.delete(file)
        await this.#turn('close', name)
      },
    }
  }

  /** Notes what is done to a file of which a write or sync has failed, or is on its way. */
  async #alone<T>(
    operation: Operation,
    name: string,
    file: SimulatedFile,
    run: () => Promise<T>,
  ): Promise<T> {
    if (this.#options.strict?.(name) === true) {
      if (file.failed && operation !== 'truncate')
        this.violations.push(`${operation} of ${name} after a failure`)
      if (file.busy > 0) this.violations.push(`${operation} of ${name} while another one runs`)
    }
    file.busy++
    try {
      return await run()
    } catch (error) {
      file.failed = true
      throw error
    } finally {
      file.busy--
    }
  }

  async #write(
    name: string,
    file: SimulatedFile,
    views: readonly Uint8Array[],
    position: number,
  ): Promise<number> {
    // The kernel copies when it likes: at the begin, where a crash finds some of it, or at the end.
    const early = this.#random() < 0.5 ? this.#put(file, views, position) : null
    try {
      await this.#turn('writev', name)
    } catch (error) {
      if (early === null && this.#random() < 0.5) this.#put(file, views, position)
      throw error
    }
    const bytes = early ?? this.#put(file, views, position)
    if (bytes === null) throw failure('ENOSPC')
    return bytes
  }

  /** Bytes that were taken; null where there is no room for any. */
  #put(file: SimulatedFile, views: readonly Uint8Array[], position: number): number | null {
    const all = Buffer.concat(views)
    const roomBytes = Math.max(position, file.bytes.length) - position + this.capacityBytes - this.usedBytes
    const wanted =
      this.#random() < this.shortWrites ? 1 + Math.floor(this.#random() * all.length) : all.length
    const bytes = all.subarray(0, Math.max(0, Math.min(wanted, roomBytes)))
    if (bytes.length > 0) file.change({ at: position, bytes })
    return bytes.length === 0 && all.length > 0 ? null : bytes.length
  }

  async #read(name: string, file: SimulatedFile, into: Uint8Array, position: number): Promise<number> {
    await this.#turn('read', name)
    const there = file.bytes.subarray(position, position + into.length)
    const short = this.#random() < this.shortReads && there.length > 1
    const bytes = short ? there.subarray(0, 1 + Math.floor(this.#random() * there.length)) : there
    into.set(bytes)
    return bytes.length
  }

  async #sync(name: string, file: SimulatedFile): Promise<void> {
    const changes = file.unsynced
    try {
      await this.#turn('datasync', name)
    } catch (error) {
      file.syncFailed(changes, this.#random)
      throw error
    }
    file.synced(changes)
  }

  /** The time that an operation takes, at the end of which it fails where it has to. */
  async #turn(operation: Operation, path: string): Promise<void> {
    this.count[operation] = (this.count[operation] ?? 0) + 1
    const code = this.fault(operation, basename(path))
    if (!this.#crashed) await this.#time()
    if (this.#crashed) await new Promise(() => {})
    if (code !== undefined) throw failure(code)
  }

  async #time(): Promise<void> {
    const { clock } = this.#options
    if (clock === undefined || this.slowMs === 0) {
      for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--) await Promise.resolve()
      return
    }
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(() => {
        this.#timers.delete(timer)
        resolve()
      }, this.#random() * this.slowMs)
      this.#timers.add(timer)
    })
  }
}

function applyName(names: Map<string, SimulatedFile>, change: NameChange): void {
  if ('from' in change) names.delete(change.from)
  if (change.file === null) names.delete(change.path)
  else names.set(change.path, change.file)
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code })
}

/** For `fault`: so many operations of a hundred fail, with any of the codes. */
export function failingOften(
  random: () => number,
  probability: number,
  codes: readonly string[] = ['EIO', 'ENOSPC', 'EROFS', 'EMFILE'],
): () => string | undefined {
  return () => (random() < probability ? codes[Math.floor(random() * codes.length)] : undefined)
}
