/**
 * Offsets from UTC of times that were written without one. A zone is `local` (that of this process), `UTC`, an offset
 * such as `+02:00`, or a name of the IANA database.
 */

/** Offsets that are remembered, each for one hour of local time: messages come from few hours at once. A power of two. */
const HOURS_KEPT = 64
const HOUR_MS = 3_600_000
const NO_HOUR = Number.NEGATIVE_INFINITY

const OFFSET = /^(?<sign>[+-])(?<hours>\d\d):(?<minutes>\d\d)$/

/** Minutes ahead of UTC at an instant (epoch ms). */
type OffsetAt = (atMs: number) => number

/** Why a timezone is none, or undefined. */
export function timezoneProblem(timezone: string): string | undefined {
  try {
    offsetFunction(timezone)
    return undefined
  } catch {
    return 'is neither local, UTC, an offset such as +02:00, nor the name of a time zone such as Europe/Berlin'
  }
}

/** @throws RangeError for what is no timezone. */
function offsetFunction(timezone: string): OffsetAt {
  if (timezone === 'local') return (atMs) => -new Date(atMs).getTimezoneOffset()
  if (timezone === 'UTC') return () => 0
  const offset = OFFSET.exec(timezone)?.groups
  if (offset !== undefined) {
    const minutes = Number(offset.hours) * 60 + Number(offset.minutes)
    if (Number(offset.hours) > 23 || Number(offset.minutes) > 59) throw new RangeError(timezone)
    return () => (offset.sign === '-' ? -minutes : minutes)
  }
  return namedOffset(timezone)
}

function namedOffset(timeZone: string): OffsetAt {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  return (atMs) => {
    const name = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    // `GMT`, `GMT+02:00`, and seconds behind it before the days of standard time.
    const parts = /^GMT(?<sign>[+-])(?<hours>\d\d):(?<minutes>\d\d)/.exec(name)?.groups
    if (parts === undefined) return 0
    const minutes = Number(parts.hours) * 60 + Number(parts.minutes)
    return parts.sign === '-' ? -minutes : minutes
  }
}

export class Zone {
  readonly #offsetAt: OffsetAt
  readonly #hours = new Float64Array(HOURS_KEPT).fill(NO_HOUR)
  readonly #minutes = new Int16Array(HOURS_KEPT)

  /** @throws RangeError unless `timezoneProblem` has nothing to say. */
  constructor(timezone: string) {
    this.#offsetAt = offsetFunction(timezone)
  }

  /**
   * Minutes ahead of UTC at a local time, given as if it were UTC. A time that a change of the clocks leaves out is read
   * with the offset after it; of one that comes twice, the first is meant.
   */
  offsetMinutes(localMs: number): number {
    const hour = Math.floor(localMs / HOUR_MS)
    const slot = hour & (HOURS_KEPT - 1)
    if (this.#hours[slot] !== hour) {
      this.#hours[slot] = hour
      this.#minutes[slot] = this.#find(hour * HOUR_MS)
    }
    return this.#minutes[slot]!
  }

  #find(localMs: number): number {
    // No offset is more than a day: one before a change of this day, and one after it.
    const before = this.#offsetAt(localMs - 24 * HOUR_MS)
    const after = this.#offsetAt(localMs + 24 * HOUR_MS)
    return this.#offsetAt(localMs - before * 60_000) === before ? before : after
  }
}
