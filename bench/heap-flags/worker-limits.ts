/**
 * Loaded into a collector before all else (`--import`): its workers get other heap limits than it would give them, in MiB, by
 * this module's own query: `?maxYoungGenerationSizeMb=8`.
 */
import worker_threads from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'

const limits = Object.fromEntries(
  [...new URL(import.meta.url).searchParams].map(([name, value]) => [name, Number(value)]),
)

worker_threads.Worker = class extends worker_threads.Worker {
  constructor(filename: string | URL, options: WorkerOptions = {}) {
    super(filename, { ...options, resourceLimits: { ...options.resourceLimits, ...limits } })
  }
}
