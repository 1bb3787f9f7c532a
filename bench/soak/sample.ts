import { readFileSync, readdirSync } from 'node:fs'
import type { CollectorProcess } from '../collector-process.ts'

const MAJOR_COLLECTIONS = 'spillway_gc_pause_seconds_count{thread="worker",kind="major"}'

/** What a collector takes at a moment. */
export interface Sample {
  /** Since the first event. */
  readonly atS: number
  readonly cpuS: number
  readonly residentBytes: number
  /** Of the main thread. */
  readonly heapBytes: number
  /** Outside of its heap. */
  readonly externalBytes: number
  readonly activeResources: number
  readonly openFiles: number
  readonly threads: number
  readonly usedSlabs: number
  readonly journalBytes: number
  readonly heldEvents: number
  /** Of the workers, since the start: whether what is resident falls with them. */
  readonly workerMajorCollections: number
}

export async function takeSample(collector: CollectorProcess, atS: number): Promise<Sample> {
  const metrics = await collector.metrics()
  const { cpuS } = collector.usage()
  const slabs = [...metrics].filter(
    ([series]) => series.startsWith('spillway_arena_slabs') && !series.includes('"free"'),
  )
  const held = [...metrics].filter(([series]) => series.startsWith('spillway_held_events'))
  return {
    atS,
    cpuS,
    residentBytes: residentBytes(collector.pid),
    heapBytes: metrics.get('nodejs_heap_size_used_bytes')!,
    externalBytes: metrics.get('nodejs_external_memory_bytes')!,
    activeResources: metrics.get('nodejs_active_resources')!,
    openFiles: readdirSync(`/proc/${collector.pid}/fd`).length,
    threads: readdirSync(`/proc/${collector.pid}/task`).length,
    usedSlabs: sum(slabs),
    journalBytes: metrics.get('spillway_journal_bytes') ?? 0,
    heldEvents: sum(held),
    workerMajorCollections: metrics.get(MAJOR_COLLECTIONS) ?? 0,
  }
}

function sum(values: readonly (readonly [string, number])[]): number {
  return values.reduce((all, [, one]) => all + one, 0)
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}
