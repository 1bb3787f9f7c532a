/** What a torture is told. */
import { parseArgs } from 'node:util'

export type Scenario = 'kills' | 'dead-sink' | 'bit-flips' | 'full-disk'

export interface Plan {
  readonly scenario: Scenario
  /** Decides every moment and every bit, as far as the machine keeps time. */
  readonly seed: number
  readonly kills: number
  readonly eventsPerSecond: number
  /** How long a run with a dead sink, or without it, takes. */
  readonly seconds: number
  readonly sinks: 1 | 2
  /** `memory` is the negative control: events must be lost, and the verdict must say so. */
  readonly mode: 'disk' | 'memory'
  /** Where its directory is made; it is removed at the end, unless something is wrong. */
  readonly parent: string
}

export const USAGE = `npm run torture -- [--kills 50] [--seed N] [--rate 10000] [--sinks 1|2] [--memory]
                  [--dead-sink [--seconds 5] | --bit-flips | --full-disk] [--dir DIRECTORY]`

const KILLS_MAX = 1000
const RATE_MAX = 200_000
const SECONDS_MAX = 600

/** Throws an Error that says what is wrong. */
export function parsePlan(args: readonly string[], defaults: { seed: number; parent: string }): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(defaults.seed) },
      rate: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '5' },
      sinks: { type: 'string', default: '2' },
      dir: { type: 'string', default: defaults.parent },
      memory: { type: 'boolean', default: false },
      'dead-sink': { type: 'boolean', default: false },
      'bit-flips': { type: 'boolean', default: false },
      'full-disk': { type: 'boolean', default: false },
    },
  })
  const chosen = (['dead-sink', 'bit-flips', 'full-disk'] as const).filter((name) => values[name])
  if (chosen.length > 1) throw new Error(`one at a time: --${chosen.join(', --')}`)
  return {
    scenario: chosen[0] ?? 'kills',
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1),
    kills: wholeNumber('kills', values.kills, 1, KILLS_MAX),
    eventsPerSecond: wholeNumber('rate', values.rate, 1, RATE_MAX),
    seconds: wholeNumber('seconds', values.seconds, 1, SECONDS_MAX),
    sinks: wholeNumber('sinks', values.sinks, 1, 2) === 1 ? 1 : 2,
    mode: values.memory ? 'memory' : 'disk',
    parent: values.dir,
  }
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= min && number <= max) return number
  throw new Error(`--${name}: a whole number from ${min} to ${max}, not ${text}`)
}
