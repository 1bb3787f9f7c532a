/** Which thread is bound to which CPU, and why. */
import { formatCpuList } from './cpu-list.ts'
import type { CpuPlace } from './cpu-places.ts'
import type { HostCpus } from './host-cpus.ts'
import type { ResolvedConfig } from '../config/root.ts'

export interface PinningPlan {
  /** CPU of the main thread; null: nothing is bound. */
  readonly main: number | null
  /** CPUs of the workers, best first; where there are more workers than CPUs they take turns. */
  readonly workers: readonly number[]
  /** In words, for the log and `/status`. */
  readonly reason: string
}

type Explicit = Exclude<ResolvedConfig['cpuPinning'], string>

/** What the configuration says, whose CPUs were checked when it was read. */
export function explicitPlan({ main, workers }: Explicit, workersMax: number): PinningPlan {
  return { main, workers, reason: `as configured${sharing(workersMax, workers)}` }
}

/**
 * The main thread on a core of its own, in the node with the most cores: all events live in one arena, and where it lies
 * is decided by who writes first. Workers beside it in the same node: on cores of their own, then on hyper-threads of
 * these, then in other nodes, last on the hyper-thread of the main thread's core.
 */
export function autoPlan(
  host: Pick<HostCpus, 'allowed' | 'quotaCpus'>,
  places: readonly CpuPlace[],
  workersMax: number,
): PinningPlan {
  const { allowed, quotaCpus } = host
  if (allowed.length < 2) return nothing(`there is one CPU, ${formatCpuList(allowed)}`)
  if (quotaCpus !== null && quotaCpus < allowed.length) {
    // Whoever else has the same CPUs would choose the same ones.
    const time = `${Math.round(quotaCpus * 100) / 100} CPUs of time on ${allowed.length} CPUs`
    return nothing(`its cgroup grants ${time}, which others use too; give it a cpuset of its own`)
  }
  const main = bestOf(places)
  const others = places.filter(({ cpu }) => cpu !== main.cpu)
  const ranked = others.toSorted(
    (left, right) => turnOf(left, main, places) - turnOf(right, main, places) || byMerit(left, right),
  )
  const workers = ranked.map(({ cpu }) => cpu)
  const used = ranked.slice(0, workersMax)
  const reason = `main thread on CPU ${main.cpu}; ${describe(used, main, places)}${sharing(workersMax, workers)}`
  return { main: main.cpu, workers, reason }
}

function nothing(why: string): PinningPlan {
  return { main: null, workers: [], reason: `nothing is bound: ${why}` }
}

/** The fastest CPU of the node with the most cores. */
function bestOf(places: readonly CpuPlace[]): CpuPlace {
  const coresOf = (node: number) =>
    new Set(places.filter((place) => place.node === node).map(({ core }) => core)).size
  const cores = new Map([...new Set(places.map(({ node }) => node))].map((node) => [node, coresOf(node)]))
  return places.toSorted(
    (left, right) => cores.get(right.node)! - cores.get(left.node)! || byMerit(left, right),
  )[0]!
}

function byMerit(left: CpuPlace, right: CpuPlace): number {
  return right.speed - left.speed || left.node - right.node || left.cpu - right.cpu
}

/** The turns in which CPUs are given to workers, in words. */
const TURNS = [
  'own cores',
  'hyper-threads of these',
  'cores of other nodes',
  'hyper-threads of other nodes',
  "hyper-thread of the main thread's core",
] as const

/** An index of TURNS. */
function turnOf(place: CpuPlace, main: CpuPlace, places: readonly CpuPlace[]): number {
  if (place.core === main.core) return 4
  const first = Math.min(...places.filter(({ core }) => core === place.core).map(({ cpu }) => cpu))
  return (place.node === main.node ? 0 : 2) + (place.cpu === first ? 0 : 1)
}

/** `workers on 1-3 (own cores), 5-6 (hyper-threads of these)` */
function describe(used: readonly CpuPlace[], main: CpuPlace, places: readonly CpuPlace[]): string {
  const groups = TURNS.flatMap((words, turn) => {
    const cpus = used.filter((place) => turnOf(place, main, places) === turn).map(({ cpu }) => cpu)
    return cpus.length === 0 ? [] : [`${formatCpuList(cpus)} (${words})`]
  })
  return `workers on ${groups.join(', ')}`
}

function sharing(workersMax: number, cpus: readonly number[]): string {
  return workersMax <= cpus.length ? '' : `; ${workersMax} workers take turns on ${cpus.length} CPUs`
}
