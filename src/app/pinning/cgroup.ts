/**
 * What the control group of the process leaves it: a set of CPUs, and a share of their time. Version 2 of cgroups has all
 * controllers in one tree, version 1 a tree for each (cgroups(7)); some hosts have both.
 */
import { posix } from 'node:path'
import { readCpuList, readNumber, readSystemFile } from './system-file.ts'

const MOUNT = 'sys/fs/cgroup'

export interface CgroupCpus {
  /** CPUs that the group may use at all; null where nothing says so. */
  readonly cpuset: readonly number[] | null
  /** Seconds of CPU time for each second, of the tightest group around it; null: as much as there is. */
  readonly quotaCpus: number | null
}

/** `root` is where /proc and /sys are. */
export function readCgroup(root: string): CgroupCpus {
  const groups = readSystemFile(root, 'proc/self/cgroup') ?? ''
  const v2 = pathOf(groups, '')
  const unified = foldersAround(MOUNT, v2)
  const cpuset = [
    ...unified.map((folder) => `${folder}/cpuset.cpus.effective`),
    ...foldersAround(`${MOUNT}/cpuset`, pathOf(groups, 'cpuset')).flatMap((folder) => [
      `${folder}/cpuset.effective_cpus`,
      `${folder}/cpuset.cpus`,
    ]),
  ]
  const quotas = [
    ...unified.map((folder) => quotaOfV2(root, folder)),
    ...foldersAround(`${MOUNT}/cpu`, pathOf(groups, 'cpu')).map((folder) => quotaOfV1(root, folder)),
  ].filter((quota) => quota !== null)
  return {
    cpuset: firstOf(cpuset, (path) => readCpuList(root, path)),
    quotaCpus: quotas.length === 0 ? null : Math.min(...quotas),
  }
}

/** Where the process is in the tree of a controller; '' names the tree of version 2. Lines are `4:cpu,cpuacct:/path`. */
function pathOf(groups: string, controller: string): string {
  for (const line of groups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path !== undefined && controllers!.split(',').includes(controller)) return path
  }
  return '/'
}

/** The folder of a group and those of all around it. In a container the path may be the host's: then only the last is there. */
function foldersAround(mount: string, path: string): string[] {
  const folders: string[] = []
  for (let at = posix.resolve('/', path); at !== '/'; at = posix.dirname(at)) folders.push(`${mount}${at}`)
  return [...folders, mount]
}

/** `cpu.max` is `max 100000`, or `150000 100000`. */
function quotaOfV2(root: string, folder: string): number | null {
  const [, quota, period] = /^(\d+) (\d+)$/.exec(readSystemFile(root, `${folder}/cpu.max`) ?? '') ?? []
  return quota === undefined || Number(period) === 0 ? null : Number(quota) / Number(period)
}

/** A quota of -1 is none. */
function quotaOfV1(root: string, folder: string): number | null {
  const quota = readNumber(root, `${folder}/cpu.cfs_quota_us`)
  const period = readNumber(root, `${folder}/cpu.cfs_period_us`)
  return quota === null || period === null || quota <= 0 || period <= 0 ? null : quota / period
}

function firstOf<Value>(paths: readonly string[], read: (path: string) => Value | null): Value | null {
  for (const path of paths) {
    const value = read(path)
    if (value !== null) return value
  }
  return null
}
