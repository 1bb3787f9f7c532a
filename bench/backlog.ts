import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { GIB, MIB } from '../src/base/units.ts'
import type { BacklogCase, Figures } from './bench-case.ts'
import { CollectorProcess } from './collector-process.ts'
import { directReadBytesPerS, directoryBytes, dropCached } from './disk.ts'
import { numberedEvent } from './events.ts'
import { RUNTIME_BYTES, accounts } from './flood.ts'
import { NEARLY_ALL } from './load/load.ts'
import type { Load, LoadPlan, LoadReport } from './load/load.ts'
import { FIRST_NUMBER, monotonicMs } from './load/tally.ts'

/** With less room on the disk than this, the backlog is SMALL_EVENTS. */
const FREE_BYTES_MIN = 15 * GIB
/** About 2 GiB. */
const SMALL_EVENTS = 5_400_000
const SETTLE_MS = 300
const GIVE_UP_MS = 45_000
const PROBE_MS = 10
/** So much of the journal is read to tell what the disk can do. */
const READ_BYTES_MAX = 2 * GIB
/** The targets of draining: shares of the live rate, and of what the disk can read. One of the two is enough. */
const LIVE_SHARE = 0.5
const DISK_SHARE = 0.8

/**
 * One run: the receiver is dead, a backlog is taken durably; the collector is killed and started, and must soon take an
 * event; then the receiver comes back. What is drained comes from the disk, for the page cache has been made to forget it
 * (that of the machine below a virtual one, if any, has not).
 */
export async function runBacklog(
  benchCase: BacklogCase,
  startLoad: (plan: LoadPlan) => Promise<Load>,
  { events_per_s: liveRate = null }: Figures,
): Promise<Figures> {
  const backlog = await affordable(benchCase)
  const plan = { malformedShare: 0, form: 'ndjson', served: null, outage: null, dead: true } as const
  // One more is the first that the second process takes.
  const load = await startLoad({ ...plan, events: backlog + 1 })
  let collector: CollectorProcess | null = null
  try {
    collector = await CollectorProcess.start({
      journal: { mode: benchCase.journal },
      sources: { in: { type: 'http', listen: '127.0.0.1:0' } },
      sinks: { out: { type: 'http', url: load.url, ...benchCase.sink } },
    })
    await sleep(SETTLE_MS)
    const feedingAtMs = monotonicMs()
    await load.feed({ ...benchCase.load, port: collector.port('in'), firstIndex: 0, events: backlog })
    const takenPerS = (backlog * 1000) / (monotonicMs() - feedingAtMs)
    const peakBytes = collector.usage().peakRssBytes
    await collector.kill()
    const killedAtMs = monotonicMs()
    collector = await collector.again()
    await firstAccepted(collector.port('in'), numberedEvent(FIRST_NUMBER + backlog))
    const firstAcceptedS = (monotonicMs() - killedAtMs) / 1000
    const bytes = await directoryBytes(collector.journal)
    const diskRate = await directReadBytesPerS(collector.journal, READ_BYTES_MAX)
    await dropCached(collector.journal)
    const before = collector.usage()
    const report = await load.drain(GIVE_UP_MS)
    const after = collector.usage()
    const rss = Math.max(peakBytes, after.peakRssBytes)
    return {
      backlog_gib: bytes / GIB,
      taken_per_s: takenPerS,
      first_accepted_s: firstAcceptedS,
      ...drained(report, { cpuS: after.cpuS - before.cpuS, bytes, diskRate, liveRate }),
      disk_mb_per_s: diskRate / 1e6,
      peak_rss_mib: rss / MIB,
      rss_percent: (100 * rss) / (collector.started.memory_limit_bytes + RUNTIME_BYTES),
      ...(await accounts(collector, report)),
    }
  } finally {
    await collector?.stop()
    await load.stop()
  }
}

/** Events, a whole number of requests. */
async function affordable({ events, load }: BacklogCase): Promise<number> {
  const { bavail, bsize } = await statfs(tmpdir())
  const most = bavail * bsize < FREE_BYTES_MIN ? Math.min(events, SMALL_EVENTS) : events
  return most - (most % load.eventsPerWrite)
}

/** Resolves when the collector has taken it. */
async function firstAccepted(port: number, body: Uint8Array<ArrayBuffer>): Promise<void> {
  for (;;) {
    /* oxlint-disable no-await-in-loop -- one try after another */
    const headers = { 'content-type': 'application/x-ndjson' }
    const { status } = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })
    if (status === 200) return
    await sleep(PROBE_MS)
    /* oxlint-enable no-await-in-loop */
  }
}

interface Drain {
  readonly cpuS: number
  readonly bytes: number
  readonly diskRate: number
  readonly liveRate: number | null
}

/** From the first event that came on. A run that lost or doubled an event has no speed. */
function drained(report: LoadReport, { cpuS, bytes, diskRate, liveRate }: Drain): Figures {
  const { sent, unique, duplicates, firstReceivedAtMs, nearlyAllAtMs } = report
  const whole = unique === sent && duplicates === 0
  const perS =
    whole && firstReceivedAtMs !== null && nearlyAllAtMs !== null
      ? (NEARLY_ALL * sent * 1000) / (nearlyAllAtMs - firstReceivedAtMs)
      : null
  const bytesPerS = perS && (perS * bytes) / sent
  const diskShare = bytesPerS && bytesPerS / diskRate
  const liveShare = perS && liveRate && perS / liveRate
  return {
    events_per_s: perS,
    drain_mb_per_s: bytesPerS && bytesPerS / 1e6,
    disk_share: diskShare,
    drain_of_target: diskShare && Math.max(diskShare / DISK_SHARE, (liveShare ?? 0) / LIVE_SHARE),
    cpu_s_per_million: whole ? (cpuS / unique) * 1e6 : null,
  }
}
