import type { FileIo, OpenFile } from '../../../src/base/file-io.ts'
import type { LogReader } from '../../../src/journal/log.ts'
import type { Sabotage } from './life.ts'

/** Says that files are on disk before they are. */
function lying(io: FileIo, isLie: (path: string) => boolean): FileIo {
  const open = async (path: string, how: 'create' | 'modify' | 'read'): Promise<OpenFile> => {
    const file = await io.open(path, how)
    if (!isLie(path)) return file
    return {
      writev: (views, position) => file.writev(views, position),
      read: (into, position) => file.read(into, position),
      datasync: async () => {},
      truncate: (bytes) => file.truncate(bytes),
      bytes: () => file.bytes(),
      close: () => file.close(),
    }
  }
  return {
    makeDirectory: (path) => io.makeDirectory(path),
    list: (path) => io.list(path),
    open,
    rename: (from, to) => io.rename(from, to),
    unlink: (path) => io.unlink(path),
    syncDirectory: (path) => io.syncDirectory(path),
  }
}

/** Every so often, what is taken is settled without having been sent. */
function forgetful(reader: LogReader): LogReader {
  let taken = 0
  const takeBulk = reader.takeBulk.bind(reader)
  return Object.defineProperty(reader, 'takeBulk', {
    value: () => {
      const next = takeBulk()
      if (next === null || ++taken % 20 !== 0) return next
      reader.settle(next, next.events)
      return takeBulk()
    },
  })
}

/** Collectors that break a promise, which the simulation must notice. */
export const sabotages: Readonly<Record<string, Sabotage>> = {
  'frames are acknowledged before they are on disk': {
    io: (io) => lying(io, (path) => path.endsWith('.frames')),
  },
  'segments go before the state is on disk that does without them': {
    io: (io) => lying(io, (path) => path.endsWith('/state')),
  },
  'a reader leaves frames out': { reader: forgetful },
}
