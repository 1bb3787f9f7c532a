import { availableParallelism, tmpdir } from 'node:os'
import { SpillwayError } from '../base/errors.ts'
import { demoScenario } from './demo/plan.ts'
import type { DemoOptions } from './demo/plan.ts'
import type { Reading } from './demo/gauges.ts'
import type { Scenario } from './demo/scenario.ts'
import { Stage } from './demo/stage.ts'
import { verdictLines, verdictOf } from './demo/verdict.ts'
import type { Verdict } from './demo/verdict.ts'
import { viewLines, viewText } from './demo/view.ts'
import type { View } from './demo/view.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { glyphsFor } from './terminal/graphics.ts'
import { createPaint, wantsColour } from './terminal/paint.ts'
import { columnsOfTerminal, Screen } from './terminal/screen.ts'
import { StopSignals } from './terminal/stop-signals.ts'
import { isLive, surviveBrokenOutput } from './terminal/streams.ts'

const DRAW_INTERVAL_MS = 200
const LINE_INTERVAL_MS = 1000
/** A column of the graphs of what comes in and goes out. */
const HISTORY_INTERVAL_MS = 400
const HISTORY_MAX = 500

/**
 * `spillway demo`: a collector, pretend senders and a pretend SIEM on loopback, drawn live, and at the end the ledger.
 * Resolves to the exit code: 0 when the ledger balances, 1 when it does not, 2 for options that are none.
 */
export async function demoCommand(options: DemoOptions): Promise<0 | 1 | 2> {
  const signals = new StopSignals()
  surviveBrokenOutput(() => signals.askToStop())
  const directory = temporaryDirectory(tmpdir(), 'spillway-demo-')
  try {
    const scenario = demoScenario(options)
    const stage = await Stage.open(scenario, directory.path, availableParallelism())
    const display = new Display(stage, scenario, options)
    try {
      const verdict = await Promise.race([play(stage, display, signals.stop), aborted(signals.end)])
      display.close()
      if (verdict === null)
        process.stderr.write('ended at once: what was held is lost, and nothing was counted\n')
      else print(verdict, options)
      return verdict?.balanced === true ? 0 : 1
    } finally {
      display.close()
      await stage.close()
    }
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    process.stderr.write(`${error.message}\n`)
    return error.exitCode
  } finally {
    signals.close()
    directory.remove()
  }
}

async function play(stage: Stage, display: Display, stop: AbortSignal): Promise<Verdict> {
  const onStop = () => {
    display.phase = 'draining'
    stage.stopSending()
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop)
  const traffic = await stage.sent()
  stop.removeEventListener('abort', onStop)
  display.phase = 'draining'
  const siem = await stage.drain()
  const reading = await stage.gauges.read()
  display.phase = 'over'
  display.show(reading)
  const latency = await stage.gauges.latencyOverall()
  const elapsedMs = performance.now() - stage.startMs
  return verdictOf({ interrupted: stop.aborted, elapsedMs, traffic, reading, siem, latency })
}

async function aborted(signal: AbortSignal): Promise<null> {
  return await new Promise((resolve) => signal.addEventListener('abort', () => resolve(null)))
}

function print(verdict: Verdict, { json, color }: DemoOptions): void {
  const { stdout } = process
  if (json === true) {
    stdout.write(`${JSON.stringify(verdict, undefined, 2)}\n`)
    return
  }
  const paint = createPaint(wantsColour(stdout, color !== false, process.env))
  stdout.write(`\n${verdictLines(verdict, columnsOfTerminal(stdout), paint).join('\n')}\n`)
}

/** Shows the stage while it lasts: a picture drawn in place, or a line a second. With `--json` on standard error. */
class Display {
  phase: View['phase'] = 'running'
  readonly #stage: Stage
  readonly #scenario: Scenario
  readonly #screen: Screen | null
  readonly #output: typeof process.stdout | typeof process.stderr
  readonly #paint
  readonly #glyphs = glyphsFor(process.env)
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #history = { received: [] as number[], delivered: [] as number[] }

  constructor(stage: Stage, scenario: Scenario, { json, color }: DemoOptions) {
    this.#stage = stage
    this.#scenario = scenario
    this.#output = json === true ? process.stderr : process.stdout
    this.#paint = createPaint(wantsColour(this.#output, color !== false, process.env))
    this.#screen = isLive(this.#output, process.env) ? new Screen(this.#output, this.#glyphs) : null
    const intervalMs = this.#screen === null ? LINE_INTERVAL_MS : DRAW_INTERVAL_MS
    this.#timers = [
      setInterval(() => void this.#update(), intervalMs),
      setInterval(() => void this.#remember(), HISTORY_INTERVAL_MS),
    ]
  }

  async #update(): Promise<void> {
    const reading = await this.#stage.gauges.read()
    if (this.phase !== 'over') this.show(reading)
  }

  async #remember(): Promise<void> {
    const { receivedPerSecond, deliveredPerSecond } = await this.#stage.gauges.read()
    const { received, delivered } = this.#history
    received.push(receivedPerSecond)
    delivered.push(deliveredPerSecond)
    if (received.length > HISTORY_MAX) for (const values of [received, delivered]) values.shift()
  }

  show(reading: Reading): void {
    const { dashboard, siem, traffic, startMs } = this.#stage
    const view: View = {
      scenario: this.#scenario,
      elapsedMs: performance.now() - startMs,
      phase: this.phase,
      reading,
      traffic,
      siem,
      history: this.#history,
      dashboard,
    }
    const screen = this.#screen
    if (screen === null) this.#output.write(`${viewText(view)}\n`)
    else screen.draw(viewLines(view, { columns: screen.columns, glyphs: this.#glyphs, paint: this.#paint }))
  }

  /** Leaves the last picture. May be called twice. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#screen?.close()
  }
}
