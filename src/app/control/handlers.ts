import type { ResolvedConfig } from '../config/root.ts'
import type { Topology } from '../topology.ts'
import { replayHandlers } from './dlq-replay.ts'
import { DETACH_METHOD, detachHandler } from './journal-detach.ts'
import { PURGE_METHOD, purgeHandler } from './purge-letters.ts'
import type { ControlHandler } from './server.ts'

/** All that a collector does when a command asks for it, by method. */
export function controlHandlers(
  config: ResolvedConfig,
  { journal, deadLetters, replay }: Topology,
): Readonly<Record<string, ControlHandler>> {
  return {
    [DETACH_METHOD]: detachHandler(config, journal),
    [PURGE_METHOD]: purgeHandler(deadLetters),
    ...replayHandlers(replay),
  }
}
