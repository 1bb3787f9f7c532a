import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export const REPORT_INTERVAL_MS = 100

/** Who takes part in a demonstration or a measurement on a thread of its own, and reports now and then. */
export class Thread<Report extends object, Order> {
  /** The newest report; null before the first. */
  latest: Report | null = null
  /** Rejects when the thread dies of an error. */
  readonly failed: Promise<never>
  readonly #worker: Worker
  #asked: (report: Report) => void = () => {}

  /**
   * @param name of a module, without its extension: .ts in a checkout, .js in the published package.
   * @param beside the URL of a module in the same folder; default: this one.
   */
  constructor(name: string, workerData: unknown, beside: string = import.meta.url) {
    const extension = beside.endsWith('.ts') ? 'ts' : 'js'
    this.#worker = new Worker(new URL(`./${name}.${extension}`, beside), {
      name,
      workerData,
      execArgv: [],
      argv: [],
    })
    this.failed = new Promise((_resolve, reject) => this.#worker.once('error', reject))
    // It is awaited beside whatever else happens; until then it must not end the process.
    this.failed.catch(() => {})
    this.#worker.on('message', (report: Report & { readonly asked?: boolean }) => {
      this.latest = report
      if (report.asked === true) this.#asked(report)
    })
  }

  /** Resolves with the first report. */
  async first(): Promise<Report> {
    await Promise.race([once(this.#worker, 'message'), this.failed])
    return this.latest!
  }

  tell(order: Order): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(order)
  }

  /** The report that it gives when it is asked to, or at its end. */
  async final(order?: Order): Promise<Report> {
    const report = new Promise<Report>((resolve) => (this.#asked = resolve))
    if (order !== undefined) this.tell(order)
    return await Promise.race([report, this.failed])
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}
