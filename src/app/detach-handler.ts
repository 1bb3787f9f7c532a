import { spwError } from '../base/errors.ts'
import type { DiskLog } from '../journal/disk-log.ts'
import type { ResolvedConfig } from './config/root.ts'
import type { ControlHandler } from './control/server.ts'

/** `journal/detach`, `{ "sink": name }`: gives up what the journal keeps for a sink that has left the configuration. */
export function detachHandler(config: ResolvedConfig, journal: DiskLog | null): ControlHandler {
  return async (body) => {
    const sink = sinkOf(body)
    if (config.sinks.some(({ name }) => name === sink)) throw spwError('SPW_ERR_SINK_CONFIGURED', { sink })
    const detached = (await journal?.detach(sink)) ?? null
    if (detached === null) {
      const known = journal === null ? '' : journal.leftSinks.join(', ')
      throw spwError('SPW_ERR_SINK_UNKNOWN', { sink, known: known === '' ? 'none' : known })
    }
    return detached
  }
}

function sinkOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'sink' in body && typeof body.sink === 'string'
    ? body.sink
    : ''
}
