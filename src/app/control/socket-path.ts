import { closeSync, constants, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'

export const CONTROL_SOCKET = 'control.sock'

/** What an address of a Unix socket has room for, on Linux, without the zero at its end. */
const PATH_BYTES_MAX = 107

/** A name for a socket that fits into an address. */
export interface SocketName {
  readonly name: string
  /** The name is good until then: while somebody listens by it, too, who unlinks it at the end. */
  close(): void
}

/** Where the path is too long, the name goes by a descriptor of its directory. Throws what the file system says. */
export function socketName(path: string): SocketName {
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return { name: path, close() {} }
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
  let open = true
  return {
    name: `/proc/self/fd/${directory}/${basename(path)}`,
    close() {
      if (open) closeSync(directory)
      open = false
    },
  }
}
