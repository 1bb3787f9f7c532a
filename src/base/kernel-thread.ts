/** What the kernel calls a thread: the id by which its CPUs are set and its time is counted. */
import { readlinkSync } from 'node:fs'
import { threadId } from 'node:worker_threads'

/** Of the thread that asks; null where there is no /proc that says so (other systems than Linux). */
export function kernelThreadId(): number | null {
  try {
    // `<process>/task/<thread>`, see proc(5).
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    return Number.isSafeInteger(id) ? id : null
  } catch {
    return null
  }
}

/** What a worker says of itself as it starts: who it is to Node, and to the kernel. */
export interface ThreadNotice {
  readonly threadId: number
  readonly kernelThread: number | null
}

/** Of the thread that asks. */
export function threadNotice(): ThreadNotice {
  return { threadId, kernelThread: kernelThreadId() }
}
