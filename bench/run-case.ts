import { runBacklog } from './backlog.ts'
import { runBareUdp } from './bare-udp.ts'
import type { BenchCase, Figures } from './bench-case.ts'
import type { StartCollector } from './collector-process.ts'
import { runFlood } from './flood.ts'
import { runLatency } from './half-rate.ts'
import { CTools } from './load/c-tools.ts'
import type { Load, LoadPlan } from './load/load.ts'
import { OwnLoad } from './load/own-load.ts'
import type { Environment } from './results.ts'
import { runSurge } from './surge.ts'
import { runIdle, runTrickle } from './trickle.ts'

function startOwnLoad(plan: LoadPlan): Promise<Load> {
  return OwnLoad.start(plan)
}

/**
 * One run of a case; `tools` is a folder with C tools, `beside` are the figures of the case that it is compared with. The
 * collector of a flood or a trickle may be started in another way.
 */
export function runCase(
  benchCase: BenchCase,
  tools: string | undefined,
  beside: Figures,
  startCollector?: StartCollector,
): Promise<Figures> {
  const startLoad = tools === undefined ? startOwnLoad : (plan: LoadPlan) => CTools.start(plan, tools)
  switch (benchCase.kind) {
    case 'flood':
      return runFlood(benchCase, needsOwnThreads(benchCase) ? startOwnLoad : startLoad, startCollector)
    case 'latency':
      return runLatency(benchCase, startLoad)
    case 'surge':
      return runSurge(benchCase)
    case 'backlog':
      return runBacklog(benchCase, startLoad, beside)
    case 'bare-udp':
      return runBareUdp(benchCase)
    case 'trickle':
      return runTrickle(benchCase, startCollector)
    default:
      return runIdle(benchCase)
  }
}

/** Datagrams, and what is asked for, the C tools can't send, and don't tell how long each event or answer took. */
export function loadOf(benchCase: BenchCase, tools: string | undefined): Environment['load'] {
  if (tools === undefined || needsOwnThreads(benchCase)) return 'own threads'
  if (!('load' in benchCase)) return 'own threads'
  const { load } = benchCase
  return 'urls' in load || load.mode === 'udp' ? 'an own thread, received by C tools' : 'C tools'
}

function needsOwnThreads(benchCase: BenchCase): boolean {
  switch (benchCase.kind) {
    case 'flood':
      return benchCase.answers || benchCase.ownThreads === true
    case 'backlog':
      return false
    default:
      return true
  }
}
