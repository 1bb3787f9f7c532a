/** Stacks of all threads with the kernel's and native frames, from `perf` of Linux. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Frame } from './stacks.ts'

/** So that `perf` knows the names of what V8 has compiled and of what it interprets. */
export const PERF_OPTIONS: readonly string[] = ['--perf-basic-prof', '--interpreted-frames-native-stack']

const SAMPLES_PER_SECOND = 997
const SCRIPT_BYTES_MAX = 2 ** 30

/** Samples by stack, a tree for each kind of thread. `directory` is for what perf writes. */
export async function perfStacks(
  pid: number,
  seconds: number,
  directory: string,
): Promise<Map<string, Frame>> {
  const data = `${directory}/perf.data`
  const args = ['record', '-q', '-F', String(SAMPLES_PER_SECOND), '-g', '-p', String(pid), '-o', data]
  const recording = spawn('perf', [...args, '--', 'sleep', String(seconds)], { stdio: 'ignore' })
  await once(recording, 'close')
  const { stdout } = await promisify(execFile)('perf', ['script', '-i', data, '-F', 'comm,ip,sym'], {
    maxBuffer: SCRIPT_BYTES_MAX,
  })
  await rm(data)
  return parseStacks(stdout)
}

/**
 * What `perf script -F comm,ip,sym` prints: a line with the name of the thread, then one for each frame, the innermost
 * first, then an empty one.
 *
 *     node-MainThread
 *             ffffffff8a2b1c tcp_sendmsg
 *                    1a2b3c4 JS:*send file:///work/src/x.ts:10:3
 */
export function parseStacks(text: string): Map<string, Frame> {
  const roots = new Map<string, Frame>()
  for (const sample of text.split(/\n\s*\n/)) {
    const [thread = '', ...frames] = sample.split('\n').filter((line) => line.trim() !== '')
    if (frames.length === 0) continue
    const name = thread.trim()
    let root = roots.get(name)
    if (root === undefined) roots.set(name, (root = new Frame(name)))
    root.add(frames.map(nameOf).toReversed(), 1)
  }
  return roots
}

/** Without the address, the optimising tier and the way to the file. */
function nameOf(line: string): string {
  const name = line.trim().replace(/^[0-9a-f]+ /, '')
  return name.replace(/^JS:[*~^+']*/, '').replace(/(?:file:\/\/)?\/\S*\/(?=(src|workers|node_modules)\/)/, '')
}
