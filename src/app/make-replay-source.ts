import { join } from 'node:path'
import { nodeFileIo } from '../base/file-io.ts'
import { DLQ_SOURCE } from '../sources/dlq/config.ts'
import { DlqSource } from '../sources/dlq/index.ts'
import type { RoutingConfig } from '../sources/dlq/routing.ts'
import { isDecoded } from '../sources/registry.ts'
import type { ResolvedConfig } from './config/root.ts'
import { filterIndex } from './make-worker-context.ts'
import type { Topology, TopologyOptions } from './topology.ts'

/** What of a configuration says where dead letters go. */
export function replayRouting({ sources, sinks, schemas }: ResolvedConfig): RoutingConfig {
  return {
    sources: sources.map((source) => ({
      name: source.name,
      schema: source.schema,
      decoded: isDecoded(source),
    })),
    sinks,
    schemas: Object.keys(schemas),
  }
}

/** The source that replays come in by, the last one of the ledger; used once all sources are there. */
export function makeReplaySource(
  { config, clock, events, deadLetterIo }: TopologyOptions,
  topology: Topology,
): DlqSource {
  const { deadLetters, journal, ledger } = topology
  return new DlqSource({
    intake: () => topology.sources.at(-1)!.intake,
    clock,
    events,
    directory: join(config.dataDir, 'dlq'),
    io: deadLetterIo ?? nodeFileIo,
    queue: deadLetters,
    routing: replayRouting(config),
    filterIndexes: config.sinks.map((sink) => filterIndex(config.sinks, sink)),
    counts: ledger.sources.at(-1)!,
    keepsCounts: journal !== null,
    mustWait: () => liveFirst(topology),
  })
}

/** Why a replay leaves what room there is to live events; null: it need not. */
function liveFirst({ sources, control }: Topology): string | null {
  const paused = sources.find(({ name, intake }) => name !== DLQ_SOURCE && intake.full)
  if (paused !== undefined) return `the source ${paused.name} waits for room`
  return control.shedBelow > 0 ? 'events are being shed' : null
}
