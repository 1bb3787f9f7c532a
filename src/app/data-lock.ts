/**
 * One process for one data directory. Two locks are taken, both held by the kernel, so that a killed process leaves none
 * behind, whatever else it leaves:
 *
 * - a listening socket in Linux' abstract namespace, named after the directory's device and inode. It needs nothing, but
 *   a namespace ends with the network of a container, and any local user could take the name first;
 * - flock(2) on `data_dir/lock`, which holds for all that see the same file, containers and most NFS clients alike. Node
 *   can't call it, so flock(1) does, on a file that it inherits and that this process keeps open. Where there is no
 *   flock(1), the socket alone has to do: then containers that share a directory must share a network, too.
 *
 * Elsewhere the file is opened with O_EXLOCK, which is the same lock. What stands in the file only tells who holds it.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Check } from 'typebox/value'
import { reasonOf, spwError } from '../base/errors.ts'
import type { SpillwayError } from '../base/errors.ts'
import { version } from '../base/version.ts'

const LOCK_FILE = 'lock'
/** Of macOS and the BSDs; Node has no name for it. */
const O_EXLOCK = 0x20
/** What flock(1) exits with when another one holds the lock; anything else but 0 means that it could not try. */
const FLOCK_HELD = 1
const FLOCK_TIMEOUT_MS = 5000

/** Who holds a data directory, as it stands in its lock file. */
const holderSchema = Type.Object({
  pid: Type.Integer(),
  host: Type.String(),
  started_at: Type.String(),
  version: Type.String(),
})

/** Releases itself when the process ends; keeps no process alive. */
export interface DataLock {
  readonly directory: string
  /** May be called twice. */
  release(): Promise<void>
}

/**
 * Takes a data directory, which must exist, for this caller alone, also within one process. Throws SPW_ERR_DATA_DIR_LOCKED
 * where another one has it, SPW_ERR_DATA_DIR_UNUSABLE where it can't be locked.
 */
export async function lockDataDir(directory: string): Promise<DataLock> {
  let name: Server | null = null
  let file: number | null = null
  try {
    if (process.platform === 'linux') name = await takeName(directory)
    file = lockFile(directory)
    writeHolder(file)
    return lockOf(directory, name, file)
  } catch (error) {
    if (file !== null) closeSync(file)
    await closed(name)
    if (isHeld(error)) throw lockedError(directory)
    throw spwError(
      'SPW_ERR_DATA_DIR_UNUSABLE',
      { path: directory, reason: reasonOf(error) },
      { cause: error },
    )
  }
}

function lockOf(directory: string, name: Server | null, file: number): DataLock {
  let released: Promise<void> | null = null
  const release = async () => {
    write(file, '')
    closeSync(file)
    await closed(name)
  }
  return { directory, release: () => (released ??= release()) }
}

/** Rejects with EADDRINUSE where it is taken. */
function takeName(directory: string): Promise<Server> {
  const { dev, ino } = statSync(directory, { bigint: true })
  const server = createServer((socket) => socket.destroy())
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Exclusive: workers of a cluster would share it.
    server.listen({ path: `\0spillway-${dev}-${ino}`, exclusive: true }, () => {
      server.off('error', reject)
      // A connection that can't be accepted is nobody's loss.
      server.on('error', () => {})
      resolve(server)
    })
  })
}

/** The lock is held as long as the descriptor is open. Throws EAGAIN where another one holds it. */
function lockFile(directory: string): number {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants
  const path = join(directory, LOCK_FILE)
  if (process.platform !== 'linux') return openSync(path, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK, 0o600)
  const file = openSync(path, O_RDWR | O_CREAT, 0o600)
  const stdio = ['ignore' as const, 'ignore' as const, 'ignore' as const, file]
  const { status } = spawnSync('flock', ['-x', '-n', '3'], { stdio, timeout: FLOCK_TIMEOUT_MS })
  if (status !== FLOCK_HELD) return file
  closeSync(file)
  throw Object.assign(new Error('the file is locked'), { code: 'EAGAIN' })
}

function writeHolder(file: number): void {
  const holder: Static<typeof holderSchema> = {
    pid: process.pid,
    host: hostname(),
    started_at: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    version,
  }
  write(file, `${JSON.stringify(holder)}\n`)
}

/** In place of what stands there. A disk that is full or fails keeps nobody from holding the lock. */
function write(file: number, text: string): void {
  try {
    ftruncateSync(file)
    writeSync(file, text, 0)
  } catch {}
}

function lockedError(path: string): SpillwayError {
  const holder = readHolder(path)
  if (holder === null) return spwError('SPW_ERR_DATA_DIR_LOCKED', { path, holder: 'another process' })
  const { pid, host, started_at: since } = holder
  const words = `process ${pid} on ${host}, running since ${since}`
  return spwError('SPW_ERR_DATA_DIR_LOCKED', { path, holder: words, pid, host, since })
}

/** Null where it has not written it yet, or could not. */
function readHolder(directory: string): Static<typeof holderSchema> | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(join(directory, LOCK_FILE), 'utf8'))
    return Check(holderSchema, holder) ? holder : null
  } catch {
    return null
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EAGAIN')
}

function closed(server: Server | null): Promise<void> {
  return new Promise((resolve) => {
    if (server === null) resolve()
    else server.close(() => resolve())
  })
}
