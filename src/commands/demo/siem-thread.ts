/** The pretend SIEM in a thread of its own, or it would slow down the collector that it is to show. */
import { parentPort, workerData } from 'node:worker_threads'
import { REPORT_INTERVAL_MS } from './thread.ts'
import { moodAt } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { Siem } from './siem.ts'

/** What the thread is told: the story begins; be fine from now on; report. */
export type SiemOrder = 'begin' | 'recover' | 'report'

const scenario: Scenario = workerData
let beganMs = Infinity
let recovered = false

const siem = new Siem(() => {
  const elapsedMs = performance.now() - beganMs
  return recovered || elapsedMs < 0 ? { kind: 'fine' } : moodAt(scenario, elapsedMs)
})
const port = await siem.listen()
const tell = (report: unknown) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(report)
}
tell({ ...siem.report, port })
setInterval(() => tell({ ...siem.report, port }), REPORT_INTERVAL_MS)
parentPort!.on('message', (order: SiemOrder) => {
  if (order === 'begin') beganMs = performance.now()
  else if (order === 'recover') recovered = true
  else tell({ ...siem.report, port, asked: true })
})
