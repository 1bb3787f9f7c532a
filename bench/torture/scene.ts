import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../test/helpers/seeded-random.ts'
import { Client } from './client.ts'
import { SECOND_WHERE } from './numbered-events.ts'
import type { Plan } from './plan.ts'
import { Receiver } from './receiver.ts'
import type { Mood } from './receiver.ts'
import { Victim } from './victim.ts'
import { Witness } from './witness.ts'

const EVENTS_MAX = 8_000_000
const CONNECTIONS = 6
const EVENTS_PER_REQUEST_MAX = 200
const MOOD_MS = 200
const POLL_MS = 50
/** So long nothing may come before what is missing is given up. */
const PATIENCE_MS = 10_000
const START_MS_MAX = 30_000

export const SINKS = ['first', 'second'] as const

/** What came of a scenario; nothing may be wrong. */
export interface Report {
  readonly figures: Readonly<Record<string, string | number>>
  readonly faults: readonly string[]
}

export interface SceneOptions {
  /** How many events the witness has room for: no more are sent. */
  readonly events: number
  /** null: as many as are taken. */
  readonly eventsPerSecond: number | null
  readonly sinks: 1 | 2
  /** Keys of the source beside those that every scenario has. */
  readonly source?: object
  /** On another file system than the rest. */
  readonly dataDir?: string
  /** Losses are no fault: the ledger must tell of them. */
  readonly lossesAreKnown?: boolean
}

/** Everybody who takes part: the client, the collector, its destinations, and the witness of it all. */
export class Scene {
  readonly random: () => number
  readonly witness: Witness
  readonly receiver: Receiver
  readonly client: Client
  readonly victim: Victim
  readonly faults: string[] = []
  readonly #mode: Plan['mode']
  /** Of its own: how often moods change is up to the clock. */
  readonly #roll: () => number
  #moods: NodeJS.Timeout | null = null

  private constructor(
    plan: Plan,
    witness: Witness,
    receiver: Receiver,
    options: SceneOptions,
    token: string,
  ) {
    this.random = seededRandom(plan.seed)
    this.#roll = seededRandom(plan.seed + 2)
    this.#mode = plan.mode
    this.witness = witness
    this.receiver = receiver
    this.client = new Client({
      witness,
      token,
      random: seededRandom(plan.seed + 1),
      connections: CONNECTIONS,
      eventsPerSecond: options.eventsPerSecond,
      eventsPerRequestMax: EVENTS_PER_REQUEST_MAX,
    })
    const directory = mkdtempSync(join(plan.parent, 'spillway-torture-'))
    this.victim = new Victim(directory, configOf(plan, receiver, options, token), options.dataDir)
  }

  /** Everybody comes together, `act` happens, and it is told what came of it; whatever it throws is a fault too. */
  static async play(
    plan: Plan,
    options: SceneOptions,
    act: (scene: Scene) => Promise<Record<string, string | number>>,
  ): Promise<Report> {
    const witness = Witness.create(Math.min(options.events, EVENTS_MAX), options.sinks)
    const token = randomUUID()
    const scene = new Scene(plan, witness, await Receiver.start(witness, token), options, token)
    try {
      const figures = await act(scene).catch((error: unknown) => {
        scene.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
        return {}
      })
      return {
        figures: { ...figures, ...scene.#accounts(options.lossesAreKnown === true) },
        faults: scene.faults,
      }
    } finally {
      await scene.#end()
    }
  }

  get sinks(): readonly number[] {
    return Array.from({ length: this.witness.sinks }, (_, sink) => sink)
  }

  /**
   * The collector starts and is sent events; resolves to how long that took, in milliseconds. It must always start: else
   * that is a fault, and the result is null.
   */
  async begin(): Promise<number | null> {
    const startMs = performance.now()
    const late = new AbortController()
    const tooLate = sleep(START_MS_MAX, undefined, { signal: late.signal }).then(() => {
      throw new Error(`it did not start within ${START_MS_MAX / 1000} s`)
    })
    try {
      await Promise.race([this.victim.start(), tooLate])
    } catch (error) {
      this.faults.push(String(error))
      return null
    } finally {
      late.abort()
    }
    this.client.connect(this.victim.url)
    return performance.now() - startMs
  }

  /** As `begin`, and it has taken something. */
  async live(): Promise<number | null> {
    const { taken } = this.client
    const startMs = await this.begin()
    if (startMs === null) return null
    for (const sinceMs = performance.now(); this.client.taken === taken;) {
      await sleep(POLL_MS / 10) // oxlint-disable-line no-await-in-loop -- it waits for others
      if (performance.now() - sinceMs < PATIENCE_MS) continue
      this.faults.push(`it started, and took nothing for ${PATIENCE_MS / 1000} s`)
      return null
    }
    return startMs
  }

  async kill(): Promise<void> {
    await this.victim.kill()
    this.witness.killed(this.receiver.nowMs)
    await this.client.disconnect()
  }

  /** The destinations are well most of the time, and now and then slow, or throttle. */
  beMoody(): void {
    this.#moods = setInterval(() => {
      for (const sink of this.sinks) this.receiver.become(sink, moodAt(this.#roll()))
    }, MOOD_MS)
  }

  beFine(): void {
    if (this.#moods !== null) clearInterval(this.#moods)
    this.#moods = null
    for (const sink of this.sinks) this.receiver.become(sink, 'fine')
  }

  /** Resolves when nothing is held for these sinks, or nothing comes any more. */
  async drained(sinks: readonly number[]): Promise<void> {
    let before = ''
    let sinceMs = performance.now()
    for (;;) {
      const { ledger, rings } = await this.victim.status() // oxlint-disable-line no-await-in-loop -- it waits for others
      const held = sinks.reduce((sum, sink) => sum + total(ledger.sinks[SINKS[sink]!]!.held), 0)
      if (held === 0 && rings['push']!.uncommitted_bytes === 0) return
      const state = `${held} ${sinks.map((sink) => this.witness.receivedBy(sink).unique).join(' ')}`
      if (state !== before) sinceMs = performance.now()
      before = state
      if (performance.now() - sinceMs > PATIENCE_MS) {
        this.faults.push(`${held} events are held, and nothing has come for ${PATIENCE_MS / 1000} s`)
        return
      }
      await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop
    }
  }

  /** Nothing more is sent, all comes, the collector stops as it should, and every book says the same. */
  async finish(): Promise<void> {
    await this.client.stop()
    await this.drained(this.sinks)
    await this.checkLedger()
    const code = await this.victim.stop()
    if (code !== 0) this.faults.push(`the clean stop at the end: exit code ${code}`)
    await this.audit('at the end')
  }

  /** The ledger recomputed from disk; in memory mode there is nothing to recompute it from. */
  async audit(when: string): Promise<void> {
    if (this.#mode === 'memory') return
    const audit = await this.victim.audit()
    if (audit.code !== 0) this.faults.push(`audit ${when}: exit code ${audit.code}: ${lastLines(audit.text)}`)
  }

  /** What the client was promised and the receivers got, and what is wrong with it. */
  #accounts(lossesAreKnown: boolean): Record<string, string | number> {
    const { witness, client } = this
    const { sent, acknowledged } = witness.told()
    const figures: Record<string, string | number> = {
      'events sent': sent,
      acknowledged: acknowledged,
      'requests refused (429, 503)': client.refused,
      'requests broken off': client.broken,
    }
    for (const sink of this.sinks) this.#accountsOf(sink, lossesAreKnown, figures)
    const letters = this.#lettersMissing()
    figures['refusals acknowledged and not on disk'] = letters
    if (letters > 0) this.faults.push(`${letters} acknowledged refusals are not among the dead letters`)
    this.faults.push(...this.victim.surprises, ...client.strange.slice(0, 5))
    return figures
  }

  #accountsOf(sink: number, lossesAreKnown: boolean, figures: Record<string, string | number>): void {
    const name = SINKS[sink]!
    const { unique, duplicates, stale, repeated, strange, refused, missing } = this.witness.receivedBy(sink)
    figures[`${name}: received`] = unique
    figures[`${name}: duplicates`] =
      `${duplicates} (${((100 * duplicates) / Math.max(unique, 1)).toFixed(2)} %)`
    figures[`${name}: requests turned away`] = refused
    figures[`${name}: LOST`] = missing
    const wrong = {
      'acknowledged events are lost': lossesAreKnown ? 0 : missing,
      'events came that should not': strange,
      'duplicates of events settled long before a kill': stale,
      'duplicates without a kill': repeated,
    }
    for (const [what, count] of Object.entries(wrong)) {
      if (count > 0) this.faults.push(`${name}: ${count} ${what}`)
    }
  }

  #lettersMissing(): number {
    const folder = join(this.victim.dataDir, 'dlq')
    const found = new Set<number>()
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      for (const [, number] of readFileSync(join(folder, name), 'latin1').matchAll(/seq\\*":(\d{10})/g))
        found.add(Number(number))
    }
    return [...this.witness.refusals()].filter((number) => !found.has(number)).length
  }

  /** In disk mode counts go on over restarts: what the collector says it delivered is what came, where nothing is damaged. */
  async checkLedger(): Promise<void> {
    const { ledger } = await this.victim.status()
    if (!ledger.balanced)
      this.faults.push(`the ledger does not balance: ${JSON.stringify(ledger.imbalances)}`)
    if (this.#mode === 'memory') return
    for (const sink of this.sinks) {
      const name = SINKS[sink]!
      const delivered = total(ledger.sinks[name]!.delivered)
      const discarded = total(ledger.sinks[name]!.discarded)
      const { unique } = this.witness.receivedBy(sink)
      // What came, and was damaged before the collector had noted it, is discarded to its knowledge.
      if (delivered > unique || unique > delivered + discarded)
        this.faults.push(`${name}: the ledger says ${delivered} delivered, ${unique} came`)
    }
  }

  /** Nothing is left running; the directory stays where something is wrong, for whoever looks into it. */
  async #end(): Promise<void> {
    this.beFine()
    await this.victim.kill()
    await this.client.stop()
    await this.receiver.stop()
    if (this.faults.length === 0) rmSync(this.victim.directory, { recursive: true, force: true })
  }
}

function configOf(
  { mode }: Plan,
  receiver: Receiver,
  { sinks, source }: SceneOptions,
  token: string,
): object {
  const ack = mode === 'disk' ? 'stored' : 'accepted'
  const [first, second] = receiver.urls.map((url) => ({
    type: 'http',
    url,
    batch: { max_age: '50ms' },
    retry: { initial: '50ms', max: '200ms' },
  }))
  return {
    journal: { mode },
    shutdown_timeout: '5s',
    sources: { push: { type: 'http', listen: '127.0.0.1:0', ack, auth: { bearer: token }, ...source } },
    sinks: { first, ...(sinks === 2 ? { second: { ...second, where: SECOND_WHERE } } : undefined) },
  }
}

function moodAt(roll: number): Mood {
  if (roll < 0.7) return 'fine'
  return roll < 0.85 ? 'slow' : 'throttling'
}

export function total(byLane: Readonly<Record<string, number>>): number {
  return Object.values(byLane).reduce((sum, count) => sum + count, 0)
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n    ')
}
