/** Whether the CPUs of `cpu_pinning` are there, and may be used: told when the configuration is read. */
import type { Path } from '../config/problems.ts'
import type { ResolvedRoot } from '../config/root.ts'
import { formatCpuList } from './cpu-list.ts'
import type { HostCpus } from './host-cpus.ts'

type Report = (path: Path, expected: string, found?: string) => void

const KEY = 'cpu_pinning'

/** `readHost` gives null where threads can't be bound at all. Of a map with a key that is wrong in itself, the rest is checked. */
export function checkPinning(
  pinning: ResolvedRoot['cpuPinning'] | undefined,
  readHost: () => HostCpus | null,
  report: Report,
): void {
  if (pinning === undefined || pinning === 'off') return
  const host = readHost()
  if (host === null) {
    report([KEY], 'off: threads can be bound to CPUs on Linux only, where /proc is there')
    return
  }
  if (pinning === 'auto') return
  const { main, workers }: Partial<typeof pinning> = pinning
  const written: [Path, number][] = (workers ?? []).map((cpu, index) => [[KEY, 'workers', index], cpu])
  if (main !== undefined) written.unshift([[KEY, 'main'], main])
  const seen = new Map<number, Path>()
  for (const [path, cpu] of written) {
    const other = seen.get(cpu)
    const fault = faultOf(cpu, host)
    if (fault !== null) {
      const usable = formatCpuList(host.bindable)
      report(path, `one of the CPUs that this process may use, ${usable}`, `${cpu}, ${fault}`)
    } else if (other !== undefined) {
      report(path, `a CPU of its own, not that of ${other.join('.')}`)
    } else seen.set(cpu, path)
  }
}

/** Why a thread can't be bound to a CPU; null where it can. */
function faultOf(cpu: number, { online, bindable, cpuset }: HostCpus): string | null {
  if (bindable.includes(cpu)) return null
  if (!online.includes(cpu)) return 'which this machine does not have, or has switched off'
  if (cpuset?.includes(cpu) === false)
    return `which is not in the cpuset of its cgroup (${formatCpuList(cpuset)})`
  return 'which was taken from it when it was started (taskset, CPUAffinity of systemd)'
}
