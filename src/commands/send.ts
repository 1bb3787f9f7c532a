import { reasonOf, SpillwayError } from '../base/errors.ts'
import { makeConnections, makeSupply } from './send/parts.ts'
import { sendPlan } from './send/plan.ts'
import type { SendOptions, SendPlan } from './send/plan.ts'
import { Pump } from './send/pump.ts'
import { progressLine, progressText, resultLines, resultOf } from './send/report.ts'
import type { Progress } from './send/report.ts'
import type { Supply } from './send/supply.ts'
import { Tally } from './send/tally.ts'
import { glyphsFor } from './terminal/graphics.ts'
import { createPaint, wantsColour } from './terminal/paint.ts'
import { RateMeter } from './terminal/rate-meter.ts'
import { columnsOfTerminal, Screen } from './terminal/screen.ts'
import { StopSignals } from './terminal/stop-signals.ts'
import { surviveBrokenOutput, isLive } from './terminal/streams.ts'

const DRAW_INTERVAL_MS = 100
const LINE_INTERVAL_MS = 1000
const RATE_WINDOW_MS = 1000
/** What is on its way when Ctrl-C is pressed has so long to arrive. */
const STOP_GRACE_MS = 3000

/**
 * `spillway send`: events to a collector, made up or from a file. Progress goes to standard error, the result to standard
 * output. Resolves to the exit code: 0 when all was taken, 1 when something wasn't sent, 2 for options that are none.
 */
export async function sendCommand(url: string | undefined, options: SendOptions): Promise<0 | 1 | 2> {
  surviveBrokenOutput()
  const tally = new Tally()
  const signals = new StopSignals()
  try {
    const plan = sendPlan(url, options)
    const supply = await makeSupply(plan)
    const { elapsedMs, error } = await run(plan, supply, tally, signals, options)
    const result = resultOf(plan, tally, { elapsedMs, error, interrupted: signals.stop.aborted })
    if (error !== null) process.stderr.write(`${error}\n`)
    if (options.json === true) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
    else if (error === null || result.sent > 0) {
      const paint = createPaint(wantsColour(process.stdout, options.color !== false, process.env))
      const lines = resultLines(result, columnsOfTerminal(process.stdout), paint)
      process.stdout.write(`${lines.join('\n')}\n`)
    }
    return result.complete ? 0 : 1
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    process.stderr.write(`${error.message}\n`)
    return error.exitCode
  } finally {
    signals.close()
  }
}

/** Resolves when the run is over, however it ended. */
async function run(
  plan: SendPlan,
  supply: Supply,
  tally: Tally,
  { stop, end }: StopSignals,
  options: SendOptions,
) {
  const { eventsMax, eventsPerSecond, durationMs, batchEventsMax } = plan
  const pump = new Pump({
    supply,
    connections: makeConnections(plan, tally, stop),
    batchEventsMax,
    eventsMax,
    durationMs,
    dueBy: (elapsedMs) =>
      eventsPerSecond === Infinity ? Infinity : 1 + (elapsedMs / 1000) * eventsPerSecond,
    tally,
    stop,
    graceMs: STOP_GRACE_MS,
    end,
  })
  const startMs = performance.now()
  const rate = new RateMeter(RATE_WINDOW_MS)
  rate.perSecond(0, 0)
  const hide = showProgress(options, () => {
    const elapsedMs = performance.now() - startMs
    const shares = [tally.sent / eventsMax, elapsedMs / durationMs, supply.progress ?? 0]
    const known = eventsMax !== Infinity || durationMs !== Infinity || supply.progress !== undefined
    const share = known ? Math.min(1, Math.max(...shares)) : undefined
    return {
      share,
      sent: tally.sent,
      perSecond: rate.perSecond(elapsedMs, tally.sent),
      resent: tally.resent,
      elapsedMs,
    }
  })
  const error = await pump.run().then(
    () => null,
    (thrown: unknown) => {
      if (!(thrown instanceof SpillwayError)) throw thrown
      return reasonOf(thrown)
    },
  )
  hide()
  return { elapsedMs: performance.now() - startMs, error }
}

/** A bar that is drawn in place, or a line a second where nobody sees it live. Returns what ends it. */
function showProgress(options: SendOptions, progress: () => Progress): () => void {
  const { stderr } = process
  if (!isLive(stderr, process.env)) {
    const timer = setInterval(() => stderr.write(`${progressText(progress())}\n`), LINE_INTERVAL_MS)
    return () => clearInterval(timer)
  }
  const glyphs = glyphsFor(process.env)
  const paint = createPaint(wantsColour(stderr, options.color !== false, process.env))
  const screen = new Screen(stderr, glyphs)
  const draw = () => screen.draw([progressLine(progress(), screen.columns, glyphs, paint)])
  const timer = setInterval(draw, DRAW_INTERVAL_MS)
  return () => {
    clearInterval(timer)
    screen.close({ clear: true })
  }
}
