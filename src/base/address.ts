/**
 * `192.0.2.7:514`, `[2001:db8::1]:514`: a host and port as users read them. IPv6 is in brackets; IPv4 is as it is, also
 * where it came through an IPv6 socket. What a socket no longer knows is `?:0`.
 */
export function formatAddress(host = '?', port = 0): string {
  if (host.startsWith('::ffff:') && host.includes('.')) return `${host.slice('::ffff:'.length)}:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
