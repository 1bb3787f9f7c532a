import type { FileIo, OpenFile } from '../../../src/base/file-io.ts'

/** The file system as one process sees it: once that has ended, nothing comes back to it. */
export class ProcessIo implements FileIo {
  readonly #io: FileIo
  #ended = false
  /** Calls that the kernel has not answered. */
  underWay = 0

  constructor(io: FileIo) {
    this.#io = io
  }

  /** As `kill -9` does it: the kernel finishes what it has begun. */
  end(): void {
    this.#ended = true
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#ended) return new Promise(() => {})
    this.underWay++
    try {
      return await run()
    } finally {
      this.underWay--
      // oxlint-disable-next-line no-unsafe-finally -- neither an answer nor an error is heard any more
      if (this.#ended) await new Promise(() => {})
    }
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call(() => this.#io.makeDirectory(path))
  }

  list(path: string): Promise<string[]> {
    return this.#call(() => this.#io.list(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => this.#io.rename(from, to))
  }

  unlink(path: string): Promise<void> {
    return this.#call(() => this.#io.unlink(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call(() => this.#io.syncDirectory(path))
  }

  async open(path: string, how: 'create' | 'modify' | 'read'): Promise<OpenFile> {
    const file = await this.#call(() => this.#io.open(path, how))
    return {
      writev: (views, position) => this.#call(() => file.writev(views, position)),
      read: (into, position) => this.#call(() => file.read(into, position)),
      datasync: () => this.#call(() => file.datasync()),
      truncate: (bytes) => this.#call(() => file.truncate(bytes)),
      bytes: () => this.#call(() => file.bytes()),
      close: () => this.#call(() => file.close()),
    }
  }
}
