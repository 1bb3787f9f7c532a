import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import type { Test } from 'tap'
import { cases } from '../../bench/cases.ts'
import { compared } from '../../bench/compared.ts'
import type { RunResult } from '../../bench/results.ts'
import { temporaryDirectory } from '../helpers/collector.ts'

const run = promisify(execFile)
const program = (name: string) => fileURLToPath(new URL(`../../bench/${name}`, import.meta.url))

/** Without the tools of the machine, and without the coverage of this process. Each child need not compile it all anew. */
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: temporaryDirectory(t),
  SPILLWAY_TOOLS: undefined,
  NODE_V8_COVERAGE: undefined,
  NODE_OPTIONS: undefined,
}

function readResults(file: string): RunResult[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line): RunResult => JSON.parse(line))
}

// Each run starts collectors: two at a time, and a slow machine has time.
t.jobs = 2
t.setTimeout(300_000)

/** Of each kind of case, and of each kind of load, one; those that take longest first. */
const chosen = [
  ['spike', 'dead-sink-posts-32'],
  ['backlog-5-gib', 'trickle'],
  ['latency-half', 'malformed-100', 'poll'],
  ['sinks-2', 'bare-udp', 'syslog-udp'],
]

for (const names of chosen) {
  t.test(`tiny runs have figures and lose nothing: ${names.join(', ')}`, async (t) => {
    const results = join(temporaryDirectory(t), 'runs.jsonl')
    const args = [program('run.ts'), ...names, '--alone', '--tiny', '--runs', '1', '--results', results]
    await run(process.execPath, args, { env })
    const found = new Map(readResults(results).map((result) => [result.case, result]))
    t.strictSame([...found.keys()].toSorted(), names.toSorted())
    const environment = { node: process.version, cpu: /./, commit: /./, kernel: /./ }
    for (const name of names) {
      const { targets } = cases.find((benchCase) => benchCase.name === name)!
      const { figures } = found.get(name)!
      t.match(found.get(name), { tiny: true, environment, tookS: Number })
      for (const [figure, target] of Object.entries(targets)) {
        t.ok(figure in figures, `${name}: ${figure} is measured`)
        if ('atMost' in target && target.atMost === 0) t.equal(figures[figure], 0, `${name}: ${figure}`)
      }
    }
  })
}

t.test('an unknown case is refused, with those that there are', async (t) => {
  const refused: unknown = await run(process.execPath, [program('run.ts'), 'tcp-3'], { env }).catch(
    (error: unknown) => error,
  )
  t.match(refused, { code: 2, stderr: /cases tcp-2,/ })
})

t.test('the tables are listed, with their cases and how long they take', async (t) => {
  const { stdout } = await run(process.execPath, [program('run.ts'), '--list', '--runs', '10'], { env })
  t.match(stdout, /^sinks +\d+ min .*: tcp-2 sinks-2 sinks-3$/m)
})

function resultOf(startedAt: string, cpu: number, others: object = {}): string {
  return JSON.stringify({
    case: 'tcp-2',
    startedAt,
    run: 0,
    tiny: false,
    environment: { cpu: 'a processor', cores: 2, node: 'v24', commit: 'abc', load: 'own threads' },
    calibrationS: 1,
    tookS: 1,
    figures: { cpu_s_per_million: cpu, events_per_s: null, lost: 0 },
    ...others,
  })
}

t.test('a case is told beside the one that it is compared with', async (t) => {
  const own = { cpu_s_per_million: 3, events_per_s: 60, p99_ms: 12 }
  const figures = compared(own, { cpu_s_per_million: 2, events_per_s: 100, p99_ms: 8 })
  t.match(figures, { times_beside: 1.5, more_than_beside: 1, share_beside: 0.6, p99_times_beside: 1.5 })
  t.match(compared(own, { cpu_s_per_million: 2, events_per_s: null }), { share_beside: null })
})

/** The README that is made of one with these places, by these results, and what is said. */
async function tablesOf(t: Test, places: readonly string[], results: readonly string[], ...names: string[]) {
  const directory = temporaryDirectory(t)
  const readme = join(directory, 'README.md')
  const file = join(directory, 'runs.jsonl')
  writeFileSync(file, results.join('\n'))
  const blocks = places.map((name) => `<!-- bench:${name} -->\nold ${name}\n<!-- /bench:${name} -->\n`)
  writeFileSync(readme, `before\n${blocks.join('')}behind\n`)
  const args = [program('tables.ts'), ...names, '--readme', readme, '--results', file]
  const { stdout, code } = await run(process.execPath, args, { env }).then(
    (done) => ({ ...done, code: 0 }),
    (failed: { stdout: string; code: number }) => failed,
  )
  return { said: stdout, code, text: readFileSync(readme, 'utf8') }
}

t.test('the tables hold the runs of the last start, medians first', async (t) => {
  const results = [resultOf('1', 9), resultOf('2', 1.5), resultOf('2', 1.1), resultOf('2', 1.2)]
  const { said, code, text } = await tablesOf(t, ['end-to-end', 'quiet'], results, 'end-to-end')
  t.match(said, /end-to-end: written/)
  t.equal(code, 0)
  t.match(text, /^before\n<!-- bench:end-to-end -->\n\n\| case/)
  t.match(text, '| tcp-2 | 3 | 1.20 [1.10-1.50], at most 1: not met | - |')
  t.match(text, '| tcp-500 | - | - |', 'what was not measured is told')
  t.match(text, /commit abc[^]*<!-- \/bench:end-to-end -->/)
  t.notMatch(text, 'old end-to-end')
  t.match(text, /old quiet[^]*behind\n$/, 'another table stays')
})

t.test('no table is left out in silence', async (t) => {
  const { said, code, text } = await tablesOf(t, ['end-to-end', 'quiet', 'nonsense'], [resultOf('1', 1)])
  t.equal(code, 1)
  t.match(said, /^quiet: no results: left as it was$/m)
  t.match(said, /^nonsense: NO SUCH TABLE$/m)
  t.match(said, /^sinks: NO PLACE/m)
  t.match(text, 'old quiet')
  t.equal((await tablesOf(t, ['quiet'], [resultOf('1', 1)], 'quiet')).code, 1)
})

t.test('a case says what it is held against, and what it must reach at least', async (t) => {
  const syslog = { case: 'syslog-5424', figures: { cpu_s_per_million: 3, times_beside: 2.1 } }
  const poll = { case: 'poll', figures: { cpu_s_per_million: 3, mb_per_s: 160 } }
  const results = [resultOf('1', 0, syslog), resultOf('1', 0, poll)]
  const { text } = await tablesOf(t, ['syslog'], results, 'syslog')
  t.match(text, '| syslog-5424, beside tcp-2 | 1 | 3.00 | - | 2.10, at most 2: not met |')
  t.match(text, /\| poll \|.*\| 160, at least 150: met \|/)
})

t.test('a table tells how the cost grows, and that of targets how far they are reached', async (t) => {
  const two = { case: 'sinks-2', figures: { cpu_s_per_million: 1.8, lost: 0 } }
  const trickle = { case: 'trickle', figures: { cpu_percent: 2.5 } }
  const results = [resultOf('1', 0.9), resultOf('1', 0, two), resultOf('1', 0, trickle)]
  const { text } = await tablesOf(t, ['sinks', 'targets'], results, 'sinks', 'targets')
  t.match(text, /\| 2 \| 1 \| 1.80 \| 2.00 \|/)
  t.match(text, '| tcp-2 | CPU-s per million events | at most 1 | 0.6 | 0.90 | met |')
  t.match(text, '| trickle | % of a core | at most 6 | 3 | 2.50 | as wanted |')
  t.match(text, '| tcp-500 | CPU-s per million events | at most 1.3 | 0.8 | - | - |')
})
