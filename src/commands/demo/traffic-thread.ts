/** The pretend senders in a thread of their own, or they would slow down the collector that they are to show. */
import { parentPort, workerData } from 'node:worker_threads'
import { REPORT_INTERVAL_MS } from './thread.ts'
import { Traffic } from './traffic.ts'
import type { TrafficOptions } from './traffic.ts'

const options: TrafficOptions = workerData
const traffic = new Traffic(options)
const tell = (asked: boolean) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage({ ...traffic.report, asked })
}
parentPort!.on('message', () => traffic.stop())
const timer = setInterval(() => tell(false), REPORT_INTERVAL_MS)
await traffic.run()
clearInterval(timer)
tell(true)
parentPort!.close()
