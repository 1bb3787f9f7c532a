/** Where CPUs are in the machine: which share a core, which share a memory, which are the fast ones. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readCpuList, readNumber } from './system-file.ts'

export interface CpuPlace {
  readonly cpu: number
  /** The lowest CPU of its core: hyper-threads of one core have the same, be they allowed or not. */
  readonly core: number
  /** NUMA node, or the socket where nodes are not told of. */
  readonly node: number
  /** Of unlike cores the faster ones have more; no unit, 0 where nothing is known. */
  readonly speed: number
}

const CPUS = 'sys/devices/system/cpu'
const NODES = 'sys/devices/system/node'

/** One place for each of `cpus`. What /sys doesn't say (some containers have none) is as on a machine of equal cores. */
export function readCpuPlaces(cpus: readonly number[], root = '/'): CpuPlace[] {
  const nodes = readNodes(root)
  return cpus.map((cpu) => {
    const folder = `${CPUS}/cpu${cpu}`
    const siblings = readCpuList(root, `${folder}/topology/thread_siblings_list`) ?? [cpu]
    return {
      cpu,
      core: Math.min(cpu, ...siblings),
      node: nodes.get(cpu) ?? readNumber(root, `${folder}/topology/physical_package_id`) ?? 0,
      // Arm tells capacities, x86 the highest frequencies.
      speed:
        readNumber(root, `${folder}/cpu_capacity`) ??
        readNumber(root, `${folder}/cpufreq/cpuinfo_max_freq`) ??
        0,
    }
  })
}

/** The node of each CPU. */
function readNodes(root: string): ReadonlyMap<number, number> {
  const nodes = new Map<number, number>()
  for (const name of foldersOf(join(root, NODES))) {
    const [, node] = /^node(\d+)$/.exec(name) ?? []
    if (node === undefined) continue
    for (const cpu of readCpuList(root, `${NODES}/${name}/cpulist`) ?? []) nodes.set(cpu, Number(node))
  }
  return nodes
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
