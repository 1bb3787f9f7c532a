import type { Observed } from './admin/observed.ts'
import { RING_ENTRIES } from '../pipeline/limits.ts'
import type { Topology } from './topology.ts'

type OfTopology =
  'ledger' | 'slabs' | 'workers' | 'rings' | 'eventLag' | 'datagrams' | 'polls' | 'sinks' | 'deadLetterBytes'

/** What the admin server may see of the parts. */
export function observedTopology(topology: Topology): Pick<Observed, OfTopology> {
  const { ledger, workers, deadLetters } = topology
  const bySource = <Value>(value: (line: Topology['sources'][number]) => Value | undefined) =>
    Object.fromEntries(
      topology.sources.flatMap((line) => {
        const seen = value(line)
        return seen === undefined ? [] : [[line.name, seen] as const]
      }),
    )
  return {
    ledger,
    slabs: () => topology.slabsByState(),
    workers: () => ({ threads: workers.threads, allowed: workers.workerCount }),
    rings: () =>
      bySource(({ extents, intake }) => ({
        depth: extents.depth,
        entries: RING_ENTRIES,
        uncommittedBytes: intake.uncommittedBytes,
      })),
    eventLag: () => bySource(({ extents }) => extents.eventLag.status()),
    datagrams: () => bySource(({ door }) => door.datagrams?.()),
    polls: () => bySource(({ door }) => door.polls?.()),
    sinks: () =>
      Object.fromEntries(
        topology.sinks.map(({ config: { name }, dispatcher }) => [name, dispatcher.status()]),
      ),
    deadLetterBytes: () => deadLetters.bytes,
  }
}
