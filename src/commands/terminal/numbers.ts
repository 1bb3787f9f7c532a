/** Numbers as users write them in options. */

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6 }

/** `5000`, `50k`, `1.5M`; undefined where it is no whole number. */
export function parseCount(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)([kM]?)$/.exec(text)
  const count = match === null ? NaN : Number(match[1]) * FACTORS[match[2]!]!
  return Number.isSafeInteger(count) ? count : undefined
}
