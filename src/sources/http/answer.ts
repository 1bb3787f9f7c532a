import type { Stream } from '../../pipeline/intake/stream.ts'

/** What is answered in place of a 200. */
export interface Refusal {
  readonly status: number
  /** In a few words, for the log. */
  readonly reason: string
  /** What is wrong and what to do, for the client. */
  readonly error: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Counts of a request; `errors` are the first refusals, `index` counting the request's records from 0. */
export type Counts = Pick<Stream, 'accepted' | 'rejected' | 'shed' | 'errors'>

export function acceptedBody(counts: Counts): string {
  const { errors } = counts
  const list = errors.length === 0 ? '[]' : JSON.stringify(errors)
  return `{${numbers(counts)},"errors":${list}}\n`
}

/** `shed` only where a policy of the operator dropped something. */
function numbers({ accepted, rejected, shed }: Counts): string {
  return `"accepted":${accepted},"rejected":${rejected}${shed === 0 ? '' : `,"shed":${shed}`}`
}

/** With the counts where the request was admitted: what they count stays in. */
export function refusalBody(refusal: Refusal, counts: Counts | null): string {
  const error = JSON.stringify(refusal.error)
  if (counts === null) return `{"error":${error}}\n`
  const errors = counts.errors.length === 0 ? '' : `,"errors":${JSON.stringify(counts.errors)}`
  return `{"error":${error},${numbers(counts)}${errors}}\n`
}
