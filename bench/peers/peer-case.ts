/** What is sent to each of them, as data. */
import type { EventForm } from '../events.ts'
import type { WayIn } from './peer.ts'

export interface PeerCase {
  readonly name: string
  readonly way: WayIn
  readonly form: EventForm
  readonly connections: number
  readonly malformedShare: number
  /** Sent to those that are fast. */
  readonly events: number
}

export const EVENTS_PER_WRITE = 500

const tcp = {
  name: 'tcp-2',
  way: 'tcp',
  form: 'ndjson',
  connections: 2,
  malformedShare: 0,
  events: 2_000_000,
} as const
const http = { ...tcp, name: 'http-4', way: 'http', connections: 4 } as const
const bad = { malformedShare: 0.01, events: 1_000_000 } as const

export const peerCases: readonly PeerCase[] = [
  tcp,
  http,
  { ...tcp, name: 'syslog-5424', way: 'syslog', form: 'rfc5424' },
  { ...tcp, ...bad, name: 'bad-1-percent-tcp' },
  { ...http, ...bad, name: 'bad-1-percent-http' },
]

/** As many as that share, in whole writes of every connection. */
export function withShare(peerCase: PeerCase, share: number): PeerCase {
  const together = EVENTS_PER_WRITE * peerCase.connections
  return { ...peerCase, events: Math.max(1, Math.round((peerCase.events * share) / together)) * together }
}
