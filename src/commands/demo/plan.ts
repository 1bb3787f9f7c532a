/** From the options of `spillway demo` to a scenario and the configuration of its collector. */
import { spwError } from '../../base/errors.ts'
import { formatBytes, formatDurationMs, KIB, MIB, parseDurationMs } from '../../base/units.ts'
import { parseCount } from '../terminal/numbers.ts'
import { siemEventsPerSecond, spikeMs } from './scenario.ts'
import type { Scenario } from './scenario.ts'

/** As commander has them. */
export interface DemoOptions extends Readonly<Partial<Record<'duration' | 'rate' | 'spike', string>>> {
  readonly json?: boolean
  readonly color?: boolean
}

const DURATION_MS_DEFAULT = 30_000
const DURATION_MS_MIN = 1000
const DURATION_MS_MAX = 600_000
/** Beyond this the story begins anew. */
const CYCLE_MS_MAX = 45_000
const RATE_DEFAULT = 5000
const SPIKE_DEFAULT = 10
/** More than this the pretend senders and SIEM could not do on one core. */
const SPIKE_EVENTS_PER_SECOND_MAX = 300_000

const EVENT_BYTES = 320
const SLAB_BYTES = 256 * KIB
const ARENA_BYTES_MIN = 4 * MIB
const ARENA_BYTES_MAX = 64 * MIB
/** The arena holds this part of what a spike brings beyond the SIEM's pace, so that it does fill up. */
const ARENA_SHARE_OF_SPIKE = 1 / 2

/** @throws SpillwayError SPW_ERR_OPTION_INVALID */
export function demoScenario({ duration, rate, spike }: DemoOptions): Scenario {
  const durationMs = duration === undefined ? DURATION_MS_DEFAULT : parseDurationMs(duration)
  if (durationMs === undefined || durationMs < DURATION_MS_MIN || durationMs > DURATION_MS_MAX) {
    const most = formatDurationMs(DURATION_MS_MAX)
    throw invalid(
      '--duration',
      `${duration} is no time from ${formatDurationMs(DURATION_MS_MIN)} to ${most}, such as 30s`,
    )
  }
  const eventsPerSecond = rate === undefined ? RATE_DEFAULT : parseCount(rate)
  if (eventsPerSecond === undefined || eventsPerSecond < 1) {
    throw invalid('--rate', `${rate} is no whole number such as 500 or 5k`)
  }
  const times = spike === undefined ? SPIKE_DEFAULT : spikeFactor(spike)
  if (eventsPerSecond * times > SPIKE_EVENTS_PER_SECOND_MAX) {
    throw invalid(
      '--spike',
      `${times} times ${eventsPerSecond} is more than ${SPIKE_EVENTS_PER_SECOND_MAX} events a second`,
    )
  }
  const cycles = Math.ceil(durationMs / CYCLE_MS_MAX)
  return { durationMs, cycleMs: durationMs / cycles, eventsPerSecond, spike: times }
}

function spikeFactor(text: string): number {
  const match = /^(\d{1,4}(?:\.\d)?)x?$/.exec(text)
  const factor = match === null ? NaN : Number(match[1])
  if (!(factor >= 1)) throw invalid('--spike', `${text} is no factor from 1, such as 10x`)
  return factor
}

function invalid(option: string, reason: string) {
  return spwError('SPW_ERR_OPTION_INVALID', { option, reason })
}

/** A collector with an arena that the spike fills, and a SIEM that is not given more than it bears. */
export function demoConfig(scenario: Scenario, siemUrl: string): string {
  // JSON is YAML too.
  return JSON.stringify({
    data_dir: './data',
    // With a journal on disk nobody would have to wait: this is to show how senders are held back.
    journal: { mode: 'memory' },
    workers: 1,
    memory: { slab_bytes: formatBytes(SLAB_BYTES), arena_bytes: formatBytes(arenaBytes(scenario)) },
    admin: { listen: '127.0.0.1:0' },
    sources: {
      push: {
        type: 'http',
        listen: '127.0.0.1:0',
        max_connections: 64,
        max_requests: 64,
        max_record_bytes: '64KiB',
      },
      lines: { type: 'tcp', listen: '127.0.0.1:0', max_connections: 64, max_record_bytes: '64KiB' },
    },
    sinks: {
      siem: {
        type: 'http',
        url: siemUrl,
        batch: { max_bytes: '192KiB', max_age: '200ms' },
        rate_limit: { events_per_second: siemEventsPerSecond(scenario) },
        retry: { initial: '200ms', max: '2s' },
      },
    },
  })
}

function arenaBytes(scenario: Scenario): number {
  const beyond = scenario.eventsPerSecond * scenario.spike - siemEventsPerSecond(scenario)
  const bytes = (spikeMs(scenario) / 1000) * beyond * EVENT_BYTES * ARENA_SHARE_OF_SPIKE
  const power = 2 ** Math.floor(Math.log2(Math.max(bytes, 1)))
  return Math.min(Math.max(power, ARENA_BYTES_MIN), ARENA_BYTES_MAX)
}
