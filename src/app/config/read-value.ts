/** Scalars as users write them to the values that code gets, and back to what may be shown. */
import { formatAddress } from '../../base/address.ts'
import { resolve } from 'node:path'
import { Check } from 'typebox/value'
import type { Key, ListenAddress, Reading, Scalar } from '../../base/config-keys.ts'
import type { Path } from './problems.ts'
import {
  formatBytes,
  formatDurationMs,
  formatPercent,
  parseBytes,
  parseDurationMs,
  parsePercent,
} from '../../base/units.ts'

/** What stands where a secret is not shown. */
export const REDACTED = '(redacted)'

/** One reader for each `reading`: undefined where the value can't be read. */
const readers: Record<Reading, (value: Scalar, baseDir: string) => unknown> = {
  bytes: (value) => (typeof value === 'number' || typeof value === 'string' ? parseBytes(value) : undefined),
  duration: (value) => (typeof value === 'string' ? parseDurationMs(value) : undefined),
  percent: (value) => (typeof value === 'string' ? parsePercent(value) : undefined),
  number: (value) => value,
  flag: (value) => value,
  text: (value) => value,
  choice: (value) => value,
  scalar: (value) => value,
  path: (value, baseDir) => (typeof value === 'string' && value !== '' ? resolve(baseDir, value) : undefined),
  listen: (value) => (typeof value === 'string' ? parseListen(value) : undefined),
  url: (value) => (typeof value === 'string' ? parseUrl(value) : undefined),
}

export interface WrittenValue {
  readonly value: Scalar
  /** It came from the environment or a file, as text whatever it means. */
  readonly secret: boolean
}

/** The value that code gets; undefined where what is written is none that the key takes. */
export function readValue(key: Key<unknown>, written: WrittenValue, baseDir: string): unknown {
  const value = written.secret ? retype(key, written.value) : written.value
  if (typeof value === 'string' && key.words?.includes(value)) return value === 'none' ? noneOf(key) : value
  const read = readers[key.reading](value, baseDir)
  return read !== undefined && Check(key, read) ? read : undefined
}

/** An address or name that is not there is null, a limit that is not there needs no branch. */
function noneOf({ reading }: Key<unknown>): null | number {
  return reading === 'listen' || reading === 'text' ? null : Infinity
}

/** What may be shown of a value that was read: in the user's units, never a secret. */
export function showValue(key: Key<unknown>, value: unknown, secret: boolean): unknown {
  if (secret) return REDACTED
  if (value === Infinity || (value === null && noneOf(key) === null)) return 'none'
  if (key.reading === 'bytes' && typeof value === 'number') return formatBytes(value)
  if (key.reading === 'duration' && typeof value === 'number') return formatDurationMs(value)
  if (key.reading === 'percent' && typeof value === 'number') return formatPercent(value)
  if (key.reading === 'url' && typeof value === 'string') return value.replace(/\?.*/s, `?${REDACTED}`)
  return isListenAddress(value) ? formatAddress(value.host, value.port) : value
}

function isListenAddress(value: unknown): value is ListenAddress {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value
}

/** Whether what stands at a path below a component is never shown, wherever it comes from. */
export function isSecretPath(path: Path): boolean {
  const [, , ...keys] = path
  if (keys[0] === 'auth') return true
  return (
    keys[0] === 'headers' && /auth|token|key|secret|cookie|passw|credential|session/i.test(String(keys[1]))
  )
}

/** `max_events: ${MAX_EVENTS}` means a number, a flag likewise; a text stays what it is. */
function retype(key: Key<unknown>, value: Scalar): Scalar {
  if (typeof value !== 'string') return value
  if (key.reading === 'number' && /^-?\d+(?:\.\d+)?$/.test(value)) return Number(value)
  if (key.reading === 'flag' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host !== undefined && port <= 65_535 ? { host, port } : undefined
}

function parseUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  return url.username === '' && url.password === '' && url.hash === '' ? url.href : undefined
}
