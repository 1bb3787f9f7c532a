/** What Linux tells of a running process, under /proc. */
import { readFileSync, readdirSync } from 'node:fs'

/** Ticks in which /proc counts CPU time: 100 a second on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100

/** Threads that V8 starts for itself: they mark, sweep and compile beside the threads that run JavaScript. */
const V8_THREAD = /^(V8Worker|DelayedTaskSche)/

export interface ProcessUsage {
  /** User and system time of all threads, also of those that have ended. */
  readonly cpuS: number
  /** The part of V8's own threads. */
  readonly v8CpuS: number
  /** Most memory that was ever resident. */
  readonly peakRssBytes: number
}

export function processUsage(pid: number): ProcessUsage {
  const v8CpuS = readdirSync(`/proc/${pid}/task`)
    .map((thread) => readStat(`/proc/${pid}/task/${thread}/stat`))
    .filter(({ name }) => V8_THREAD.test(name))
    .reduce((sum, { cpuS }) => sum + cpuS, 0)
  return { cpuS: readStat(`/proc/${pid}/stat`).cpuS, v8CpuS, peakRssBytes: peakRssBytes(pid) }
}

/** The name stands in brackets and may hold blanks and brackets; utime and stime are the 14th and 15th field. */
function readStat(path: string): { name: string; cpuS: number } {
  const text = readFileSync(path, 'latin1')
  const nameEnd = text.lastIndexOf(')')
  const fields = text.slice(nameEnd + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return { name: text.slice(text.indexOf('(') + 1, nameEnd), cpuS: ticks / TICKS_PER_SECOND }
}

export function peakRssBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}
