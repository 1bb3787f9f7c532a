import type { Batch } from './batch.ts'
import { NUMBER_DIGITS, timeText } from './template.ts'
import type { Template, WireFormat } from './template.ts'

/** Where the events of a run come from. */
export interface Supply {
  /** Puts up to so many events into an empty batch; none at all when there are no more. Rejects with a SpillwayError. */
  load(batch: Batch, eventsMax: number): Promise<void> | void
  /** Part of all there is that was given out, 0 to 1; undefined where that is not known. */
  readonly progress: number | undefined
  close(): Promise<void>
}

const DIGIT_0 = 0x30

export interface SyntheticOptions {
  readonly format: WireFormat
  readonly templates: readonly Template[]
  readonly firstNumber: number
  readonly wallClock: () => number
  /** Taken in place of the others, for the share that `malformedShare` tells at the time. */
  readonly malformedTemplates?: readonly Template[]
  readonly malformedShare?: () => number
}

/** Events without end, each with a number of its own and the time of its batch. */
export class SyntheticSupply implements Supply {
  readonly progress = undefined
  readonly #options: SyntheticOptions
  #number: number
  #turn = 0
  #malformedTurn = 0
  /** Malformed events that are due, as a sum of shares. */
  #malformedDue = 0

  constructor(options: SyntheticOptions) {
    this.#options = options
    this.#number = options.firstNumber
  }

  load(batch: Batch, eventsMax: number): void {
    const { format, wallClock, malformedShare } = this.#options
    const time = Buffer.from(timeText(format, wallClock()), 'latin1')
    const share = malformedShare?.() ?? 0
    for (let event = 0; event < eventsMax; event++) {
      const template = this.#next(share)
      if (!batch.reserve(template.bytes.length)) break
      this.#malformedDue += template.malformed ? share - 1 : share
      this.#turn++
      this.#put(batch, template, time)
    }
  }

  #next(share: number): Template {
    const { templates, malformedTemplates } = this.#options
    if (share > 0 && this.#malformedDue + share >= 1 && malformedTemplates !== undefined) {
      return malformedTemplates[this.#malformedTurn++ % malformedTemplates.length]!
    }
    return templates[this.#turn % templates.length]!
  }

  #put(batch: Batch, template: Template, time: Buffer): void {
    const { bytes } = batch
    const at = batch.length
    bytes.set(template.bytes, at)
    if (template.timeAt >= 0) bytes.set(time, at + template.timeAt)
    writeNumber(bytes, at + template.numberAt, this.#number++)
    if (template.malformed) batch.malformed++
    batch.added(template.bytes.length)
  }

  async close(): Promise<void> {}
}

function writeNumber(bytes: Uint8Array, from: number, number: number): void {
  let rest = number
  for (let at = from + NUMBER_DIGITS - 1; at >= from; at--) {
    const tenth = Math.floor(rest / 10)
    bytes[at] = DIGIT_0 + rest - tenth * 10
    rest = tenth
  }
}
