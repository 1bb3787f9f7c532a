import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** What the journal and the dead-letter queue ask of the file system; a parameter, so that tests can let it fail. */
export interface FileIo {
  /** With its parents; nothing where it exists. */
  makeDirectory(path: string): Promise<void>
  /** Names in a directory. */
  list(path: string): Promise<string[]>
  /** `create` fails with EEXIST where the file is there, `modify` and `read` with ENOENT where it is not. */
  open(path: string, how: 'create' | 'modify' | 'read'): Promise<OpenFile>
  /** Within one file system; replaces what is there. */
  rename(from: string, to: string): Promise<void>
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
  /** Length of the file. */
  bytes(): Promise<number>
  close(): Promise<void>
}

const FLAGS = { create: 'wx+', modify: 'r+', read: 'r' } as const

export const nodeFileIo: FileIo = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  list: (path) => readdir(path),
  async open(path, how) {
    return new NodeFile(await open(path, FLAGS[how], 0o600))
  },
  rename,
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

  async bytes(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
