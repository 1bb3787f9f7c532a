import { PEER_BYTES_MAX } from '../../memory/frame-region.ts'

/** A URL as it may be told to everyone: a query can hold a secret. */
export function shownUrl({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?...'}`
}

/** Who sent the events of an answer: host and path, as far as a dead letter has room for them. */
export function peerOf({ host, pathname }: URL): string {
  return `${host}${pathname}`.slice(0, PEER_BYTES_MAX)
}
