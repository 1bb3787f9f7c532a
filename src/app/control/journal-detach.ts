import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { spwError } from '../../base/errors.ts'
import type { ControlHandler } from './server.ts'

/** `{ "sink": name }` to `{ "discarded": events }`. */
export const DETACH_METHOD = 'journal/detach'

const requestSchema = Type.Object({ sink: Type.String() })
const answerSchema = Type.Object({ discarded: Type.Integer({ minimum: 0 }) })

/** The journal of the collector that runs. */
export interface DetachableJournal {
  /** Names of the sinks that have left the configuration. */
  readonly leftSinks: readonly string[]
  /** Of one of these: the events that were given up, and whether that is on disk. */
  detach(sink: string): Promise<{ readonly discarded: number; readonly durable: boolean } | null>
}

/** With a journal in memory, null, no sink has anything to give up. */
export function detachHandler(
  config: { readonly sinks: readonly { readonly name: string }[] },
  journal: DetachableJournal | null,
): ControlHandler {
  const configured = config.sinks.map(({ name }) => name)
  return async (body) => {
    const sink = Check(requestSchema, body) ? body.sink : ''
    checkDetachable(sink, configured, journal?.leftSinks ?? [])
    const detached = await journal!.detach(sink)
    if (detached?.durable === false) throw spwError('SPW_ERR_DETACH_UNDURABLE', { sink })
    return { discarded: detached?.discarded ?? 0 }
  }
}

/** Throws SPW_ERR_SINK_CONFIGURED or SPW_ERR_SINK_UNKNOWN. */
export function checkDetachable(
  sink: string,
  configured: readonly string[],
  leftSinks: readonly string[],
): void {
  if (configured.includes(sink)) throw spwError('SPW_ERR_SINK_CONFIGURED', { sink })
  if (leftSinks.includes(sink)) return
  const known = leftSinks.length === 0 ? 'none' : leftSinks.join(', ')
  throw spwError('SPW_ERR_SINK_UNKNOWN', { sink, known })
}

/** Events that were given up, of an answer. */
export function discardedOf(answer: unknown): number {
  return Check(answerSchema, answer) ? answer.discarded : 0
}
