import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../src/base/units.ts'
import type { Figures } from './bench-case.ts'
import type { CollectorProcess } from './collector-process.ts'
import { monotonicMs } from './load/tally.ts'

/** So seldom that asking costs a thousandth of a core. */
const EVERY_MS = 500

interface Sample {
  readonly atMs: number
  readonly arenaShare: number
  /** Of all sinks. */
  readonly heldEvents: number
  readonly journalBytes: number
}

/** Asks a collector for its `/status` all the while: what is highest only while a load lasts. */
export class Watch {
  readonly samples: Sample[] = []
  readonly #collector: CollectorProcess
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  private constructor(collector: CollectorProcess) {
    this.#collector = collector
    this.#done = this.#sample()
  }

  /** The event loop's delay counts from now. */
  static async start(collector: CollectorProcess): Promise<Watch> {
    await loopDelayMs(collector)
    return new Watch(collector)
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  /** Of the time from the start until now; ends it. */
  async figures(): Promise<Figures> {
    await this.stop()
    return {
      loop_p99_ms: await loopDelayMs(this.#collector),
      arena_peak_percent: 100 * this.#most(({ arenaShare }) => arenaShare),
      backlog_events: this.#most(({ heldEvents }) => heldEvents),
      backlog_mib: this.#most(({ journalBytes }) => journalBytes) / MIB,
    }
  }

  #most(of: (sample: Sample) => number): number {
    return this.samples.reduce((most, sample) => Math.max(most, of(sample)), 0)
  }

  async #sample(): Promise<void> {
    const { signal } = this.#stop
    /* oxlint-disable no-await-in-loop -- one after another */
    while (!signal.aborted) {
      const sample = await sampleOf(this.#collector).catch(() => null)
      if (sample !== null) this.samples.push(sample)
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {})
    }
    /* oxlint-enable no-await-in-loop */
  }
}

async function sampleOf(collector: CollectorProcess): Promise<Sample> {
  const { arena, ledger, journal } = await collector.status()
  const heldEvents = Object.values(ledger.sinks).flatMap((sink) => Object.values(sink.held))
  return {
    atMs: monotonicMs(),
    arenaShare: 1 - (arena.slabs.free ?? 0) / sumOf(Object.values(arena.slabs)),
    heldEvents: sumOf(heldEvents),
    journalBytes: journal?.bytes ?? 0,
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

/** p99 of the main thread's delay since it was asked last. */
async function loopDelayMs(collector: CollectorProcess): Promise<number> {
  return 1000 * (await collector.metric('spillway_event_loop_delay_seconds', 'stat="p99"'))
}
