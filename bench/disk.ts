/** What the disk can do by itself, without the collector. Linux only. */
import { execFile } from 'node:child_process'
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Figures } from './bench-case.ts'

const run = promisify(execFile)
const SYNCS = 400
const SYNCED_BYTES = 4096

/** How long it takes to write 4 KiB more to a file and to sync that, below TMPDIR. */
export async function syncTimes(): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-sync-'))
  const file = await open(join(directory, 'file'), 'w')
  const tookMs = new Float64Array(SYNCS)
  /* oxlint-disable no-await-in-loop -- one after another */
  for (let i = 0; i < SYNCS; i++) {
    const startMs = performance.now()
    await file.write(Buffer.alloc(SYNCED_BYTES), 0, SYNCED_BYTES, i * SYNCED_BYTES)
    await file.datasync()
    tookMs[i] = performance.now() - startMs
  }
  /* oxlint-enable no-await-in-loop */
  await file.close()
  await rm(directory, { recursive: true })
  tookMs.sort()
  const at = (share: number) => tookMs[Math.floor(share * (SYNCS - 1))]!
  return { sync_p50_ms: at(0.5), sync_p99_ms: at(0.99) }
}

/** Bytes of the files in a directory. */
export async function directoryBytes(directory: string): Promise<number> {
  const sizes = await Promise.all((await files(directory)).map(async (path) => (await stat(path)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Reads files in order with O_DIRECT, which passes by the page cache, until there were `bytesMax`. */
export async function directReadBytesPerS(directory: string, bytesMax: number): Promise<number> {
  let bytes = 0
  const startMs = performance.now()
  for (const path of await files(directory)) {
    if (bytes >= bytesMax) break
    /* oxlint-disable no-await-in-loop -- in order */
    await run('dd', [`if=${path}`, 'of=/dev/null', 'bs=4M', 'iflag=direct'])
    bytes += (await stat(path)).size
    /* oxlint-enable no-await-in-loop */
  }
  return (bytes * 1000) / (performance.now() - startMs)
}

/** Lets the page cache forget what is durable of the files in a directory. */
export async function dropCached(directory: string): Promise<void> {
  await Promise.all(
    (await files(directory)).map((path) => run('dd', [`if=${path}`, 'iflag=nocache', 'count=0'])),
  )
}

async function files(directory: string): Promise<string[]> {
  return (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(directory, name))
    .toSorted()
}
