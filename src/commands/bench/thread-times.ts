/** CPU time of the threads of a process, under /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** A clock tick of /proc/PID/stat: USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/** CPU seconds, user and system, by what threads are for. */
export interface ThreadTimes {
  readonly mainS: number
  /** Those that run JavaScript beside the main thread. */
  readonly workersS: number
  /** The pool of libuv: disk commits. */
  readonly poolS: number
  /** V8's own: compiling, and collecting garbage. */
  readonly v8S: number
}

/** null where there is no such process, or no /proc. */
export function threadTimes(pid: number): ThreadTimes | null {
  const times = { mainS: 0, workersS: 0, poolS: 0, v8S: 0 }
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const { name, cpuS } = readStat(`/proc/${pid}/task/${thread}/stat`)
      times[Number(thread) === pid ? 'mainS' : kindOf(name)] += cpuS
    }
    return times
  } catch {
    return null
  }
}

export function timesBetween(before: ThreadTimes, after: ThreadTimes): ThreadTimes {
  return {
    mainS: after.mainS - before.mainS,
    workersS: after.workersS - before.workersS,
    poolS: after.poolS - before.poolS,
    v8S: after.v8S - before.v8S,
  }
}

function kindOf(name: string): keyof ThreadTimes {
  if (name.startsWith('libuv-worker')) return 'poolS'
  return /^(V8Worker|DelayedTask|SignalInspector)/.test(name) ? 'v8S' : 'workersS'
}

/** The name stands in brackets and may hold blanks and brackets; utime and stime are the 14th and 15th field (proc_pid_stat(5)). */
function readStat(path: string): { name: string; cpuS: number } {
  const text = readFileSync(path, 'latin1')
  const nameEnd = text.lastIndexOf(')')
  const fields = text.slice(nameEnd + 2).split(' ')
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  }
}
