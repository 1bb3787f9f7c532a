/** What the host says of itself: processors, memory, files, clock. Linux; null where it does not say. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { openFilesMax } from '../../app/open-files.ts'
import { formatCpuList } from '../../app/pinning/cpu-list.ts'
import { readCpuPlaces } from '../../app/pinning/cpu-places.ts'
import { readHostCpus } from '../../app/pinning/host-cpus.ts'

export interface HostFacts {
  readonly cpu_model: string
  readonly kernel: string
  readonly node: string
  /** CPUs that this process may run on, as the kernel writes them: `0-3,8`. */
  readonly cpus_allowed: string | null
  readonly numa_nodes: number
  /** CPUs worth of time that the process may use: those allowed, or a quota of its cgroup, whichever is less. */
  readonly cores: number
  readonly cpu_quota: number | null
  /** Of the host, or the limit of the cgroup. */
  readonly memory_bytes: number
  readonly memory_limited: boolean
  /** null: no limit is known. */
  readonly open_files: number | null
  readonly clock_source: string | null
  /** What it takes to read the clock. */
  readonly clock_read_ns: number
}

const CLOCK_READS = 200_000

export function hostFacts(): HostFacts {
  const processors = readHostCpus()
  const quota = processors?.quotaCpus ?? null
  const allowed = processors?.allowed ?? null
  const count = allowed?.length ?? availableParallelism()
  const limitBytes = process.constrainedMemory()
  const limited = limitBytes > 0 && limitBytes < totalmem()
  const files = openFilesMax()
  return {
    cpu_model: cpus()[0]?.model.trim() ?? 'unknown',
    kernel: release(),
    node: process.version,
    cpus_allowed: allowed && formatCpuList(allowed),
    numa_nodes: new Set(readCpuPlaces(allowed ?? []).map(({ node }) => node)).size,
    cores: quota === null ? count : Math.min(count, quota),
    cpu_quota: quota,
    memory_bytes: limited ? limitBytes : totalmem(),
    memory_limited: limited,
    open_files: Number.isFinite(files) ? files : null,
    clock_source: read('/sys/devices/system/clocksource/clocksource0/current_clocksource')?.trim() ?? null,
    clock_read_ns: clockReadNs(),
  }
}

function clockReadNs(): number {
  const startMs = performance.now()
  for (let i = 0; i < CLOCK_READS; i++) performance.now()
  return Math.round(((performance.now() - startMs) * 1e6) / CLOCK_READS)
}

export interface HostTimes {
  /** Of all CPUs, since the host started, in ticks. */
  readonly all: number
  readonly idle: number
  /** Taken by other guests of a hypervisor. */
  readonly stolen: number
}

/** null where there is no /proc. */
export function hostTimes(): HostTimes | null {
  const fields = /^cpu +(.*)$/m
    .exec(read('/proc/stat') ?? '')?.[1]
    ?.split(' ')
    .map(Number)
  if (fields === undefined) return null
  // user nice system idle iowait irq softirq steal; the two behind those are in user and nice already.
  const all = fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0)
  return { all, idle: fields[3]! + fields[4]!, stolen: fields[7] ?? 0 }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
