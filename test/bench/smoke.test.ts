import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import type { BenchCase } from '../../bench/bench-case.ts'
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

// Each case starts a collector: two at a time, and a slow machine has time.
t.jobs = 2
t.setTimeout(300_000)

/** A case brings those that it is compared with: all of these are one run. */
const runs = Map.groupBy(cases, firstOf)

function firstOf({ name, beside }: BenchCase): string {
  const other = cases.find((benchCase) => benchCase.name === beside)
  return other === undefined ? name : firstOf(other)
}

for (const together of runs.values()) {
  const names = together.map(({ name }) => name)
  t.test(`tiny runs have figures and lose nothing: ${names.join(', ')}`, async (t) => {
    const results = join(temporaryDirectory(t), 'runs.jsonl')
    const wanted = names.filter((name) => together.every(({ beside }) => beside !== name))
    const args = [program('run.ts'), ...wanted, '--tiny', '--runs', '1', '--results', results]
    await run(process.execPath, args, { env })
    const found = readResults(results)
    t.strictSame(
      found.map((result) => result.case),
      names,
    )
    const environment = { node: process.version, cpu: /./, commit: /./ }
    for (const [index, { name, targets }] of together.entries()) {
      const { figures } = found[index]!
      t.match(found[index], { case: name, tiny: true, environment })
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
  t.match(refused, { code: 1, stderr: /there are tcp-2,/ })
})

function resultOf(startedAt: string, cpu: number, others: object = {}): string {
  return JSON.stringify({
    case: 'tcp-2',
    table: 'end-to-end',
    startedAt,
    run: 0,
    tiny: false,
    environment: { cpu: 'a processor', cores: 2, node: 'v24', commit: 'abc', load: 'own threads' },
    calibrationS: 1,
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

t.test('the tables hold the runs of the last start, medians first', async (t) => {
  const directory = temporaryDirectory(t)
  const readme = join(directory, 'README.md')
  const results = join(directory, 'runs.jsonl')
  writeFileSync(
    results,
    [resultOf('1', 9), resultOf('2', 1.5), resultOf('2', 1.1), resultOf('2', 1.2)].join('\n'),
  )
  writeFileSync(readme, 'before\n<!-- bench:end-to-end -->\nold\n<!-- /bench:end-to-end -->\nbehind\n')
  const args = [program('tables.ts'), '--readme', readme, '--results', results, '--scan', 'none']
  const { stdout } = await run(process.execPath, args, { env })
  t.match(stdout, /end-to-end: written/)
  t.match(stdout, /trickle: no results/)
  const text = readFileSync(readme, 'utf8')
  t.match(text, /^before\n<!-- bench:end-to-end -->\n\n\| case/)
  t.match(text, '| tcp-2 | 3 | 1.20 [1.10-1.50], at most 1.3: met | - |')
  t.match(text, /commit abc[^]*<!-- \/bench:end-to-end -->\nbehind\n$/)
  t.notMatch(text, /old/)
})

t.test('a case says what it is held against, and what it must reach at least', async (t) => {
  const directory = temporaryDirectory(t)
  const readme = join(directory, 'README.md')
  const results = join(directory, 'runs.jsonl')
  const syslog = {
    case: 'syslog-5424',
    table: 'syslog',
    figures: { cpu_s_per_million: 3, times_beside: 2.1 },
  }
  const poll = { case: 'poll', table: 'syslog', figures: { cpu_s_per_million: 3, mb_per_s: 160 } }
  writeFileSync(results, [resultOf('1', 0, syslog), resultOf('1', 0, poll)].join('\n'))
  writeFileSync(readme, '<!-- bench:syslog -->\n<!-- /bench:syslog -->\n')
  const args = [program('tables.ts'), '--readme', readme, '--results', results, '--scan', 'none']
  await run(process.execPath, args, { env })
  const text = readFileSync(readme, 'utf8')
  t.match(text, '| syslog-5424, beside tcp-2 | 1 | 3.00 | - | 2.10, at most 2: not met |')
  t.match(text, /\| poll \|.*\| 160, at least 150: met \|/)
})
