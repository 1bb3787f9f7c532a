import { formatAddress } from './address.ts'
import { spwError } from './errors.ts'
import type { SpillwayError } from './errors.ts'

/** What a failed `listen()` tells the user: `key` is the configuration key that names the address. */
export function listenError(
  key: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: NodeJS.ErrnoException,
): SpillwayError {
  const address = formatAddress(host, port)
  if (cause.code === 'EADDRINUSE') return spwError('SPW_ERR_LISTEN_IN_USE', { key, address }, { cause })
  const reason = LISTEN_REASONS[cause.code ?? ''] ?? cause.message
  return spwError('SPW_ERR_LISTEN_FAILED', { key, address, reason }, { cause })
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'not permitted to use this port',
  EADDRNOTAVAIL: 'this host does not have that address',
  ENOTFOUND: 'the host name is unknown',
}
