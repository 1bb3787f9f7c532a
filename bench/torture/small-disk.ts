import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MIB } from '../../src/base/units.ts'

const UNSHARED = 'TORTURE_UNSHARED'

/** A file system of a few MiB, in memory. */
export class SmallDisk {
  readonly path: string
  readonly #ballast: string

  private constructor(path: string) {
    this.path = path
    this.#ballast = join(path, 'ballast')
  }

  /** null where mounting is not allowed. */
  static mount(path: string, mib: number): SmallDisk | null {
    mkdirSync(path, { recursive: true })
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'none', path])
    return status === 0 ? new SmallDisk(path) : null
  }

  /** What else may lie on a disk. */
  fill(mib: number): void {
    writeFileSync(this.#ballast, Buffer.alloc(mib * MIB, 1))
  }

  /** The operator has made room. */
  free(): void {
    rmSync(this.#ballast)
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.path])
  }
}

/**
 * Whoever may not mount may do so in a namespace of users and mounts of his own: runs this program once more in there and
 * resolves to its exit code; null where that is not to be had either.
 */
export function runUnshared(): number | null {
  if (process.env[UNSHARED] !== undefined) return null
  const { status, error } = spawnSync('unshare', ['-rm', process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [UNSHARED]: '1' },
  })
  return error === undefined ? status : null
}
