import { BULK, FAST } from './log.ts'

/** How far a sink's reader has come, in events by lane, of all that were ever offered to it. */
export class Progress {
  /** Come upon, in the log or as they were committed. */
  readonly seen: [number, number]
  /** Taken, settled or not; what was deferred is put back. */
  readonly passed: [number, number]

  constructor([bulk, fast]: readonly [number, number]) {
    this.seen = [bulk, fast]
    this.passed = [bulk, fast]
  }

  comeUpon(bulk: number, fast: number): void {
    this.seen[BULK] += bulk
    this.seen[FAST] += fast
  }

  pass(bulk: number, fast: number): void {
    this.passed[BULK] += bulk
    this.passed[FAST] += fast
  }

  /** At a place of the log before which so many were offered: what was not come upon is lost, and passed as such. */
  lost(offered: readonly [number, number], isBulk: boolean, isFast: boolean): [bulk: number, fast: number] {
    const bulk = isBulk ? Math.max(0, offered[BULK] - this.seen[BULK]) : 0
    const fast = isFast ? Math.max(0, offered[FAST] - this.seen[FAST]) : 0
    this.comeUpon(bulk, fast)
    this.pass(bulk, fast)
    return [bulk, fast]
  }
}
