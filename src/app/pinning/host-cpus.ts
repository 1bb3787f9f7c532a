/** Which CPUs there are, and which of them this process may use. */
import { readCgroup } from './cgroup.ts'
import { parseCpuList } from './cpu-list.ts'
import { readCpuList, readSystemFile } from './system-file.ts'

export interface HostCpus {
  /** CPUs of the machine that are switched on, as far as can be seen. */
  readonly online: readonly number[]
  /** CPUs that the process was given: those of its cgroup, less what taskset or systemd's CPUAffinity took away. */
  readonly allowed: readonly number[]
  /**
   * CPUs that a thread can be bound to: those, and what the kernel keeps from everybody who doesn't ask for it by number
   * (isolcpus), as far as the cgroup has it.
   */
  readonly bindable: readonly number[]
  /** CPUs of its cgroup; null where nothing says so. */
  readonly cpuset: readonly number[] | null
  /** Seconds of CPU time for each second that its cgroups grant it; null: no such bound. */
  readonly quotaCpus: number | null
}

/** `root` is where /proc and /sys are. Null where the system doesn't say: it is no Linux, or has no /proc. */
export function readHostCpus(root = '/'): HostCpus | null {
  const status = readSystemFile(root, 'proc/self/status') ?? ''
  const allowed = parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '')
  if (allowed === null || allowed.length === 0) return null
  const { cpuset, quotaCpus } = readCgroup(root)
  const online = readCpuList(root, 'sys/devices/system/cpu/online') ?? cpuset ?? allowed
  const isolated = readCpuList(root, 'sys/devices/system/cpu/isolated') ?? []
  const granted = isolated.filter((cpu) => cpuset?.includes(cpu) ?? online.includes(cpu))
  const bindable = [...new Set([...allowed, ...granted])].toSorted((left, right) => left - right)
  return { online, allowed, bindable, cpuset, quotaCpus }
}
