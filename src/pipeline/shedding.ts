/** From a fill on, events below a severity are shed. */
export interface SheddingStep {
  /** Of the journal, 0 to 1. */
  readonly above: number
  readonly severityBelow: number
}

/** A step ends so much below where it begins, so that a fill at its border doesn't flap. */
const HYSTERESIS = 0.02

/** What the operator wants shed, as the journal fills and empties. Each step sheds more than those before it. */
export class Shedding {
  readonly #steps: readonly SheddingStep[]
  /** Steps that hold now, the lowest first. */
  #holding = 0

  /** @param steps rising in both values; none: nothing is ever shed. */
  constructor(steps: readonly SheddingStep[]) {
    this.#steps = steps
  }

  /** Severity below which events are to be shed at this fill; 0: none are. Called whenever the fill may have changed. */
  severityBelow(fill: number): number {
    const steps = this.#steps
    while (this.#holding < steps.length && fill >= steps[this.#holding]!.above) this.#holding++
    while (this.#holding > 0 && fill < steps[this.#holding - 1]!.above - HYSTERESIS) this.#holding--
    return this.#holding === 0 ? 0 : steps[this.#holding - 1]!.severityBelow
  }
}
