import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'

const STDOUT_FD = 1

/**
 * Standard output as a stream that never blocks the thread. `process.stdout` writes to pipes synchronously: a reader
 * that stands still would make the whole collector do so. To files and terminals it is used as it is.
 */
export function openStdout(): Writable {
  const kind = fstatSync(STDOUT_FD)
  if (!kind.isFIFO() && !kind.isSocket()) return process.stdout
  return new Socket({ fd: STDOUT_FD, readable: false, writable: true })
}
