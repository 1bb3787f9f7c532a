import { mkdir, open, readdir, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** What the queue asks of the file system; a parameter, so that tests can let it fail. */
export interface FileIo {
  /** With its parents; nothing where it exists. */
  makeDirectory(path: string): Promise<void>
  /** Names in a directory. */
  list(path: string): Promise<string[]>
  /** `create` fails with EEXIST where the file is there, `modify` with ENOENT where it is not. */
  open(path: string, how: 'create' | 'modify'): Promise<OpenFile>
  unlink(path: string): Promise<void>
  /** Makes created and unlinked names durable. */
  syncDirectory(path: string): Promise<void>
}

export interface OpenFile {
  /** Bytes written, which may be fewer than given. */
  writev(views: readonly Uint8Array[], position: number): Promise<number>
  /** Bytes read into `into`, 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  datasync(): Promise<void>
  truncate(bytes: number): Promise<void>
  close(): Promise<void>
}

export const nodeFileIo: FileIo = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  list: (path) => readdir(path),
  async open(path, how) {
    return new NodeFile(await open(path, how === 'create' ? 'wx+' : 'r+', 0o600))
  },
  unlink,
  async syncDirectory(path) {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}

class NodeFile implements OpenFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async writev(views: readonly Uint8Array[], position: number): Promise<number> {
    return (await this.#handle.writev(views, position)).bytesWritten
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.length, position)).bytesRead
  }

  datasync(): Promise<void> {
    return this.#handle.datasync()
  }

  truncate(bytes: number): Promise<void> {
    return this.#handle.truncate(bytes)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
