import { Collector } from '../../app/collector.ts'
import { parseConfig } from '../../app/config/load.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { Gauges } from './gauges.ts'
import { demoConfig } from './plan.ts'
import type { Scenario } from './scenario.ts'
import type { SiemReport } from './siem.ts'
import type { SiemOrder } from './siem-thread.ts'
import { Thread } from './thread.ts'
import type { TrafficOptions, TrafficReport } from './traffic.ts'

type SiemThread = Thread<SiemReport & { readonly port: number }, SiemOrder>

/** The senders may catch up for so long after their time; then they send no more. */
const CATCH_UP_MS = 15_000

/** All who take part: senders, a collector like any other, and a SIEM, connected over loopback. */
export class Stage {
  readonly collector: Collector
  readonly gauges: Gauges
  readonly startMs = performance.now()
  /** Of the collector's own page. */
  readonly dashboard: string
  readonly #siem: SiemThread
  readonly #traffic: Thread<TrafficReport, 'stop'>
  readonly #sent: Promise<TrafficReport>
  readonly #catchUp: NodeJS.Timeout

  private constructor(collector: Collector, siem: SiemThread, scenario: Scenario) {
    this.collector = collector
    this.gauges = new Gauges(collector)
    this.#siem = siem
    this.dashboard = `http://${collector.admin.address}/`
    const options: TrafficOptions = {
      scenario,
      http: collector.address('push'),
      tcp: collector.address('lines'),
    }
    this.#traffic = new Thread('traffic-thread', options)
    this.#sent = this.#traffic.final()
    this.#siem.tell('begin')
    this.#catchUp = setTimeout(() => this.stopSending(), scenario.durationMs + CATCH_UP_MS)
  }

  /** @throws SpillwayError where the collector can't start. */
  static async open(scenario: Scenario, directory: string, cores: number): Promise<Stage> {
    const siem: SiemThread = new Thread('siem-thread', scenario)
    try {
      const { port } = await siem.first()
      const text = demoConfig(scenario, `http://127.0.0.1:${port}/`)
      const { config } = parseConfig(text, '(demo)', directory, { env: {}, cwd: directory, cores })
      const collector = new Collector(config, {
        logger: createLogger({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
      })
      await collector.start()
      return new Stage(collector, siem, scenario)
    } catch (error) {
      await siem.end()
      throw error
    }
  }

  get siem(): SiemReport {
    return this.#siem.latest!
  }

  /** null before the first event is on its way. */
  get traffic(): TrafficReport | null {
    return this.#traffic.latest
  }

  /** Resolves when the senders are done and the collector has read all of it; rejects when a thread dies. */
  async sent(): Promise<TrafficReport> {
    return await Promise.race([this.#sent, this.#siem.failed])
  }

  /** The senders send nothing new, and the SIEM takes whatever comes. */
  stopSending(): void {
    this.#siem.tell('recover')
    this.#traffic.tell('stop')
  }

  /** The collector delivers what it holds, and stops. Resolves with what the SIEM then has. */
  async drain(): Promise<SiemReport> {
    this.#siem.tell('recover')
    await this.collector.drain()
    return await this.#siem.final('report')
  }

  async close(): Promise<void> {
    clearTimeout(this.#catchUp)
    await Promise.all([this.#traffic.end(), this.#siem.end()])
  }
}
