/** Files of /proc and /sys, which are short, and not there on every system, in every container, of every version. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCpuList } from './cpu-list.ts'

/** Its text without the line's end; null where it can't be read. `root` is where /proc and /sys are. */
export function readSystemFile(root: string, path: string): string | null {
  try {
    return readFileSync(join(root, path), 'latin1').trim()
  } catch {
    return null
  }
}

/** A list of CPUs; null where there is none. */
export function readCpuList(root: string, path: string): number[] | null {
  const text = readSystemFile(root, path)
  return text === null || text === '' ? null : parseCpuList(text)
}

/** A whole number; null where there is none. */
export function readNumber(root: string, path: string): number | null {
  const text = readSystemFile(root, path)
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null
}
