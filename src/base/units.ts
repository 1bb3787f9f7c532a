/** Sizes (`512KiB`), times (`2s`) and shares (`80%`) as users write them; in code bytes, milliseconds and 0 to 1. */

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

/** Largest unit first, so that formatting picks the largest that divides; binary before decimal where both do. */
const BYTE_UNITS: readonly (readonly [string, number])[] = [
  ['GiB', GIB],
  ['MiB', MIB],
  ['KiB', KIB],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
  ['B', 1],
]

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** Bytes of `512KiB`, `1.5GiB`, `64MB` or a plain number of bytes; undefined where it is no size in whole bytes. */
export function parseBytes(value: string | number): number | undefined {
  if (typeof value === 'number') return wholeOrUndefined(value)
  return parseQuantity(value, BYTE_UNITS) ?? (/^\d{1,16}$/.test(value) ? Number(value) : undefined)
}

/** The shortest exact spelling of a number of bytes; `parseBytes` reads it back. */
export function formatBytes(bytes: number): string {
  return formatQuantity(bytes, BYTE_UNITS, 'B')
}

/** Milliseconds of `500ms`, `2s`, `1m`, `1h`; undefined where it is no time in whole milliseconds. A bare number is none. */
export function parseDurationMs(value: string | number): number | undefined {
  return typeof value === 'string' ? parseQuantity(value, DURATION_UNITS) : undefined
}

/** The shortest exact spelling of a time in milliseconds; `parseDurationMs` reads it back. */
export function formatDurationMs(durationMs: number): string {
  return formatQuantity(durationMs, DURATION_UNITS, 'ms')
}

/** The share that `80%` is, 0.8; undefined where it is none in up to three decimals of a percent. */
export function parsePercent(value: string | number): number | undefined {
  if (typeof value !== 'string') return undefined
  const match = /^(\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(value)
  return match === null ? undefined : Number(match[1]) / 100
}

/** `parsePercent` reads it back. */
export function formatPercent(share: number): string {
  return `${Math.round(share * 1e5) / 1e3}%`
}

function parseQuantity(text: string, units: readonly (readonly [string, number])[]): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,9})?) ?([A-Za-z]+)$/.exec(text)
  if (match === null) return undefined
  const unit = units.find(([name]) => name === match[2])
  return unit === undefined ? undefined : wholeOrUndefined(Number(match[1]) * unit[1])
}

function formatQuantity(
  amount: number,
  units: readonly (readonly [string, number])[],
  smallest: string,
): string {
  const unit = amount === 0 ? undefined : units.find(([, factor]) => amount % factor === 0)
  return unit === undefined ? `${amount}${smallest}` : `${amount / unit[1]}${unit[0]}`
}

function wholeOrUndefined(amount: number): number | undefined {
  return Number.isSafeInteger(amount) && amount >= 0 ? amount : undefined
}
