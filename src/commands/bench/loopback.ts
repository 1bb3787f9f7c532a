/** How fast this host reads from a socket straight into shared memory, as TCP sources do. */
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../../base/units.ts'
import { kernelReadWorks, readFromKernel } from '../../pipeline/tcp/kernel-read.ts'
import type { Thread } from '../demo/thread.ts'
import type { LoadOrder, LoadReport } from './load-thread.ts'
import { listenOnLoopback } from './loopback-port.ts'
import { threadTimes } from './thread-times.ts'

export interface LoopbackReport {
  /** Whether this Node reads into shared memory; where not, sources copy. */
  readonly into_shared_memory: boolean
  readonly gigabytes_per_second: number | null
  /** Of the thread that reads. */
  readonly gigabytes_per_cpu_second: number | null
}

export async function measureLoopback(
  load: Thread<LoadReport, LoadOrder>,
  budgetMs: number,
): Promise<LoopbackReport> {
  if (!(await kernelReadWorks()))
    return { into_shared_memory: false, gigabytes_per_second: null, gigabytes_per_cpu_second: null }
  const slab = new Uint8Array(new SharedArrayBuffer(MIB))
  const server = createServer({ pauseOnConnect: true }, (accepted) => {
    const { socket } = readFromKernel(accepted, { buffer: () => slab, onRead: () => true })
    socket.on('error', () => {})
    socket.resume()
  })
  const port = await listenOnLoopback(server)
  const startMs = performance.now()
  const beforeS = threadTimes(process.pid)?.mainS
  const sent = load.final({ port, connections: 1 })
  await sleep(budgetMs)
  load.tell('stop')
  const { bytes } = await sent
  const seconds = (performance.now() - startMs) / 1000
  const afterS = threadTimes(process.pid)?.mainS
  server.close()
  const cpuS = beforeS === undefined || afterS === undefined ? 0 : afterS - beforeS
  return {
    into_shared_memory: true,
    gigabytes_per_second: bytes / seconds / 1e9,
    gigabytes_per_cpu_second: cpuS > 0 ? bytes / cpuS / 1e9 : null,
  }
}
