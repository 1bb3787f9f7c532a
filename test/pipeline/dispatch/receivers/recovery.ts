import { PROBE_EVENTS_MAX } from '../../../../src/pipeline/dispatch/probing.ts'
import { sentBytesMax } from './sent-bytes.ts'
import type { Scenario } from './scenario.ts'

/** A task of a worker that fails is tried again after a second. */
const TASK_MS = 1400

/**
 * How long after the receiver has healed something is accepted, at most. First what was going on has to end: the pause that
 * it named, the cooldown, the time to the next probe, or the longest backoff; and a request that it never answers. Then the
 * probe goes, once the rate limit lets it. One that is refused for its content is divided: two probes for each halving of
 * it, since others take turns with it.
 */
export function recoveryMsMax({ config, nature }: Scenario, pauseMs: number): number {
  const { request, breaker, retry } = config
  const waitMs = Math.max(pauseMs * 1.02, breaker.maxCooldownMs, retry.maxMs)
  const roundTripMs = request.timeoutMs + 2000 + turnMs(config) + TASK_MS
  const halvings = Math.ceil(Math.log2(PROBE_EVENTS_MAX)) + 1
  const probes = nature.guiltyEach > 0 || nature.bodyBytesMax < Infinity ? 2 * halvings + 2 : 2
  return Math.max(0, pauseMs) + (probes + 1) * (waitMs + roundTripMs)
}

/** Until the rate limit lets a request go that has all that one may have. */
function turnMs(config: Scenario['config']): number {
  const {
    requestsPerSecond = Infinity,
    eventsPerSecond = Infinity,
    bytesPerSecond = Infinity,
  } = config.rateLimit ?? {}
  const bytes = Math.max(sentBytesMax(config.maxRecordBytes, config), bytesPerSecond)
  return (
    1000 * (1 / requestsPerSecond + 1 + (bytesPerSecond === Infinity ? 0 : bytes / bytesPerSecond)) +
    1000 / eventsPerSecond
  )
}
