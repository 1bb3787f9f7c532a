/** The threads of this process, and the CPUs that each is bound to. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { reasonOf, spwError } from '../../base/errors.ts'
import { parseCpuList, formatCpuList } from './cpu-list.ts'
import { readSystemFile } from './system-file.ts'

const TASKS = 'proc/self/task'
const TASKSET_TIMEOUT_MS = 5000

/** Threads go by the kernel's ids. */
export interface ThreadCpus {
  /** All of this process, those of V8 and of libuv among them; none where the system doesn't say. */
  threads(): number[]
  /** CPUs that a thread may use, as the kernel says; null where it has ended. */
  cpusOf(thread: number): readonly number[] | null
  /** Throws SPW_ERR_PINNING_FAILED. */
  bind(thread: number, cpus: readonly number[]): Promise<void>
}

/** Node can't set what the kernel calls affinity, and a native module for one call a thread would have to be built. */
export const kernelThreadCpus: ThreadCpus = {
  threads() {
    try {
      return readdirSync(`/${TASKS}`).map(Number)
    } catch {
      return []
    }
  },

  cpusOf(thread) {
    const status = readSystemFile('/', `${TASKS}/${thread}/status`) ?? ''
    return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? 'none')
  },

  bind(thread, cpus) {
    const list = formatCpuList(cpus)
    return new Promise((resolve, reject) => {
      const options = { timeout: TASKSET_TIMEOUT_MS, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
      execFile('taskset', ['-p', '-c', list, String(thread)], options, (error, _out, stderr) => {
        const said = this.cpusOf(thread)
        // It may be gone, or have been told from outside meanwhile.
        if (error === null && (said === null || formatCpuList(said) === list)) return resolve()
        const missing = error !== null && 'code' in error && error.code === 'ENOENT'
        const reason = missing
          ? 'the program taskset is not there; install util-linux, or set cpu_pinning: off'
          : stderr.trim() || (error === null ? `it is on ${formatCpuList(said!)}` : reasonOf(error))
        reject(spwError('SPW_ERR_PINNING_FAILED', { thread, cpus: list, reason }))
      })
    })
  },
}
