/** Numbers as users write them in options. */

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6 }

/** `5000`, `50k`, `1.5m`, in either case; undefined where it is no whole number. */
export function parseCount(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)([km]?)$/i.exec(text)
  const count = match === null ? NaN : Number(match[1]) * FACTORS[match[2]!.toLowerCase()]!
  return Number.isSafeInteger(count) ? count : undefined
}
