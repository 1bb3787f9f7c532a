/** What Linux tells of all processes of a group, under /proc. */
import { readFileSync, readdirSync } from 'node:fs'
import { TICKS_PER_SECOND, peakRssBytes } from '../process-usage.ts'

export interface GroupUsage {
  /** User and system time of all its processes, and of their children that have ended. */
  readonly cpuS: number
  /** Sum of what each had at most. */
  readonly peakRssBytes: number
}

export function groupUsage(group: number): GroupUsage {
  const usage = { cpuS: 0, peakRssBytes: 0 }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readStat(pid)
      if (stat.group !== group) continue
      usage.peakRssBytes += peakRssBytes(Number(pid))
      usage.cpuS += stat.cpuS
    } catch {
      // It has ended meanwhile.
    }
  }
  return usage
}

/** The name stands in brackets and may hold anything; behind it the 3rd is the group, the 12th to 15th are times. */
function readStat(pid: string): { group: number; cpuS: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { group: Number(fields[2]), cpuS: ticks / TICKS_PER_SECOND }
}
