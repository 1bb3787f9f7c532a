/**
 * What the main thread tells all workers at any time; they look once an extent.
 *
 *     word 0   SHED_BELOW   events of a lower severity are shed; 0: none
 */
const SHED_BELOW = 0
/** A cache line. */
const CONTROL_BYTES = 64

export class Control {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  static create(): Control {
    return new Control(new SharedArrayBuffer(CONTROL_BYTES))
  }

  get shedBelow(): number {
    return Atomics.load(this.#words, SHED_BELOW)
  }

  /** Main thread. */
  setShedBelow(severity: number): void {
    Atomics.store(this.#words, SHED_BELOW, severity)
  }
}
