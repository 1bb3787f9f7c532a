import type { Outcome, Payload, Sink } from '../../../src/pipeline/sink.ts'

/** How a destination feels. */
export type Mood = 'well' | 'slow' | 'flaky' | 'picky' | 'locked' | 'dead'
export const MOODS: readonly Mood[] = ['well', 'well', 'slow', 'flaky', 'picky', 'locked', 'dead', 'dead']

interface Request {
  readonly lines: readonly string[]
  readonly answer: (outcome: Outcome) => void
}

export interface DestinationOptions {
  readonly name: string
  readonly random: () => number
  /** It has accepted these events, whether anybody hears of that or not. */
  readonly onAccepted: (lines: readonly string[]) => void
  readonly isRefused: (line: string) => boolean
}

/** A destination that is in moods. */
export class Destination implements Sink {
  mood: Mood = 'well'
  readonly open: Request[] = []
  requests = 0
  readonly #options: DestinationOptions

  constructor(options: DestinationOptions) {
    this.#options = options
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    this.requests++
    const lines = Buffer.concat(payload.views).toString().split('\n').slice(0, -1)
    if (lines.length !== payload.events) throw new Error('events of a payload')
    return new Promise((resolve) => {
      const request: Request = {
        lines,
        answer: (outcome) => {
          const place = this.open.indexOf(request)
          if (place === -1) return
          this.open.splice(place, 1)
          resolve(outcome)
        },
      }
      this.open.push(request)
      signal.addEventListener('abort', () =>
        request.answer({ kind: 'retry', category: 'unknown', reason: 'aborted' }),
      )
      const { random } = this.#options
      if (this.mood === 'well' ? random() < 0.8 : this.mood !== 'slow' && random() < 0.4)
        this.answerOne(request)
    })
  }

  answerOne(request = this.open[Math.floor(this.#options.random() * this.open.length)]): void {
    if (request === undefined) return
    const outcome = this.#judge(request.lines)
    if (outcome.kind === 'ack') this.#options.onAccepted(request.lines)
    request.answer(outcome)
  }

  #judge(lines: readonly string[]): Outcome {
    const { random, isRefused } = this.#options
    switch (this.mood) {
      case 'dead':
        return { kind: 'retry', category: 'connect', reason: 'refused connection' }
      case 'locked':
        return { kind: 'hold', reason: 'token expired', status: 401 }
      case 'picky':
        if (lines.some(isRefused)) return { kind: 'reject', reason: 'bad field', status: 400 }
        break
      case 'flaky':
        if (random() < 0.5) return { kind: 'retry', category: 'throttled', reason: 'slow down', status: 429 }
        break
      default:
    }
    return { kind: 'ack' }
  }
}
