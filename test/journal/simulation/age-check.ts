import assert from 'node:assert/strict'
import { BULK, FAST } from '../../../src/journal/log.ts'
import type { LogReader, Taken } from '../../../src/journal/log.ts'

interface Told {
  /** Sequence of the frame committed last then. */
  readonly last: number
  readonly oldest: readonly [bulk: number, fast: number]
}

/**
 * Remembers what a reader told of the oldest event that it holds, and looks at whatever is taken later: had it been
 * there, the reader must not have told that what it holds is younger. For a first life: those that follow have clocks
 * of their own, and don't know what earlier ones deferred.
 */
export function checkAge(reader: LogReader, last: () => number, note: (check: () => void) => void): void {
  const told: Told[] = []
  const check = ({ frame, events, fast }: Taken) => {
    for (const { last: lastThen, oldest } of told) {
      if (frame.position.sequence > lastThen) continue
      if (events > fast) assert(oldest[BULK] <= frame.receivedAtMs, 'age of the oldest bulk event')
      if (fast > 0) assert(oldest[FAST] <= frame.receivedAtMs, 'age of the oldest fast event')
    }
  }
  for (const name of ['takeBulk', 'takeFast'] as const) {
    const take = reader[name].bind(reader)
    const value = () => {
      told.push({ last: last(), oldest: reader.oldestReceivedAtMs!() })
      const taken = take()
      if (taken !== null) note(() => check(taken))
      return taken
    }
    Object.defineProperty(reader, name, { value, writable: true, configurable: true })
  }
}
