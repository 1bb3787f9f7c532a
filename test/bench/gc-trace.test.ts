import t from 'tap'
import { parseGcTrace } from '../../bench/gc-trace.ts'

const pooled = 'MB, pooled: 0 MB,'

t.test('pauses of all isolates, with what was paused for in steps before', async (t) => {
  const trace = [
    `[7:0xa]      335 ms: Scavenge 9.2 (10.1) -> 8.7 (11.1) ${pooled} 2.5 / 0.00 ms  (average mu = 1.000) allocation failure; `,
    'what else is printed',
    `[7:0xa]     1000 ms: Mark-Compact 14.6 (22.4) -> 13.0 (22.9) ${pooled} 6.0 / 0.10 ms  (+ 0.5 ms in 5 steps since start of marking) `,
    `[7:0xb]       40 ms: Scavenge 3.5 (4.5) -> 2.8 (5.5) ${pooled} 0.5 / 0.00 ms  (average mu = 1.000) allocation failure; `,
    `[7:0xb]      140 ms: Scavenge 3.5 (4.5) -> 2.8 (5.5) MB, 0.25 / 0.00 ms  (average mu = 1.000) allocation failure; `,
  ].join('\n')
  t.same(parseGcTrace(trace), [
    { atMs: 335, pauseMs: 2.5 },
    { atMs: 1000, pauseMs: 6.5 },
    { atMs: 1000, pauseMs: 0.5 },
    { atMs: 1100, pauseMs: 0.25 },
  ])
})
