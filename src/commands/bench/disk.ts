/** What a group commit of the journal costs on a disk: bytes behind those that are there, and one fdatasync. */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { KIB, MIB } from '../../base/units.ts'

export const GROUP_BYTES = [4 * KIB, 64 * KIB, MIB, 4 * MIB] as const

const COMMITS_MAX = 2000
/** The file begins anew then, as the journal begins new segments. */
const FILE_BYTES_MAX = 128 * MIB
/** statfs(2): the type of a file system that is memory. */
const TMPFS_MAGIC = 0x01021994

export interface CommitTimes {
  readonly group_bytes: number
  readonly commits: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly max_ms: number
  readonly megabytes_per_second: number
}

export interface DiskReport {
  readonly free_bytes: number
  /** It is memory: nothing is said about a disk. */
  readonly in_memory: boolean
  readonly commits: readonly CommitTimes[]
}

export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

/** @throws what the file system throws: the directory must be there and writable. */
export function measureDisk(directory: string, budgetMs: number): DiskReport {
  const file = openSync(join(directory, 'commits'), 'wx', 0o600)
  try {
    const commits = GROUP_BYTES.map((bytes) => commitTimes(file, bytes, budgetMs / GROUP_BYTES.length))
    const inMemory = statfsSync(directory).type === TMPFS_MAGIC
    return { free_bytes: freeBytes(directory), in_memory: inMemory, commits }
  } finally {
    closeSync(file)
  }
}

/** At least three commits, however slow they are. */
function commitTimes(file: number, groupBytes: number, budgetMs: number): CommitTimes {
  // Not all alike: a file system may compress.
  const group = Buffer.from(Float64Array.from({ length: groupBytes / 8 }, Math.random).buffer)
  const tookMs: number[] = []
  ftruncateSync(file, 0)
  fdatasyncSync(file)
  const startMs = performance.now()
  let nowMs = startMs
  for (let at = 0; tookMs.length < 3 || (nowMs - startMs < budgetMs && tookMs.length < COMMITS_MAX);) {
    const beganMs = performance.now()
    for (let from = 0; from < groupBytes;) from += writeSync(file, group, from, groupBytes - from, at + from)
    fdatasyncSync(file)
    nowMs = performance.now()
    tookMs.push(nowMs - beganMs)
    at += groupBytes
    if (at >= FILE_BYTES_MAX) {
      ftruncateSync(file, 0)
      at = 0
    }
  }
  const spentMs = tookMs.reduce((sum, took) => sum + took, 0)
  const sorted = Float64Array.from(tookMs).toSorted()
  const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!
  return {
    group_bytes: groupBytes,
    commits: sorted.length,
    p50_ms: quantile(0.5),
    p99_ms: quantile(0.99),
    max_ms: quantile(1),
    megabytes_per_second: (groupBytes * sorted.length) / spentMs / 1000,
  }
}
