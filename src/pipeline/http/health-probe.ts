import type { Clock } from '../../base/clock.ts'
import { RESPONSE_BODY_BYTES } from '../limits.ts'
import type { Outcome } from '../sink.ts'
import { classify } from './classify.ts'
import type { AnswerReader } from './exchange.ts'
import type { OutgoingRequest, Requester } from './requester.ts'

export interface HealthProbeOptions {
  /** `breaker.probe` of the sink. */
  readonly probe: { readonly method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST'; readonly path: string }
  /** Of all requests of the sink, the credentials among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly clock: Clock
}

/** `probe` of a sink that makes HTTP requests: one without a body; any 2xx says that the destination works. */
export function healthProbe(
  requester: Requester,
  { probe, headers, clock }: HealthProbeOptions,
): (signal: AbortSignal) => Promise<Outcome> {
  const { method, path } = probe
  const length = method === 'POST' ? { 'content-length': '0' } : undefined
  const request: OutgoingRequest = { method, path, headers: { ...headers, ...length }, views: [] }
  const reader: AnswerReader = {
    bodyBytesMax: RESPONSE_BODY_BYTES,
    classify: (answer) => classify(answer, clock.wallClock()),
  }
  return (signal) => requester.send(request, reader, signal)
}
