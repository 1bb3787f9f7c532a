/**
 * Pauses for garbage collection out of what `node --trace-gc` prints, of all isolates: the main thread's and the workers'.
 *
 *     [4251:0x266a9000]      744 ms: Mark-Compact 14.6 (22.4) -> 13.0 (22.9) MB, pooled: 0 MB, 6.38 / 0.00 ms  (+ 0.5 ms in 5 steps ...
 *
 * A line tells the isolate, its age, the pause, and with `+` what was paused for in steps before. Lines come late, for
 * standard output is buffered, but in order.
 */
const LINE =
  /^\[\d+:(0x[0-9a-f]+)\]\s+(\d+) ms: .*? MB, (?:pooled: \d+ MB, )?([\d.]+) \/ [\d.]+ ms(?: {2}\(\+ ([\d.]+) ms in)?/

export interface GcPause {
  /** Since the process began, to about 0.1 s. */
  readonly atMs: number
  readonly pauseMs: number
}

export function parseGcTrace(text: string): GcPause[] {
  const bornAtMs = new Map<string, number>()
  let nowMs = 0
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line)
    if (match === null) return []
    const [, isolate = '', age, pause, steps = '0'] = match
    // The first isolate is as old as the process; a younger one's first line comes soon after the line before it.
    const bornMs = bornAtMs.get(isolate) ?? Math.max(0, nowMs - Number(age))
    bornAtMs.set(isolate, bornAtMs.size === 0 ? 0 : bornMs)
    const atMs = bornAtMs.get(isolate)! + Number(age)
    nowMs = Math.max(nowMs, atMs)
    return [{ atMs, pauseMs: Number(pause) + Number(steps) }]
  })
}
