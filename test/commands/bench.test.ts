/** `spillway bench` as its users meet it: a child process. The figures are the host's; what is checked is that they fit together. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { reportJson } from '../../src/commands/bench/report.ts'
import { benchPlan } from '../../src/commands/bench/plan.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import { run, startCli } from './fixtures/cli.ts'

function reported(out: string): ReturnType<typeof reportJson> {
  return JSON.parse(out)
}

t.test('options that are none', async (t) => {
  const wrong = [
    [{ duration: '1s' }, /^--duration: 1s is no time from 2s to 10m/],
    [{ eventBytes: '10' }, /^--event-bytes: 10 is no size from 192B to 256KiB/],
    [{ dir: '/nowhere' }, /^--dir: there is no directory \/nowhere/],
    [{ file: '/nowhere' }, /^cannot read \/nowhere: ENOENT/],
    [{ file: '/nowhere', eventBytes: '1KiB' }, /^--event-bytes: events of a file have/],
  ] as const
  for (const [options, message] of wrong) t.throws(() => benchPlan(options), { message })
  const { code, out, err } = await run(t, 'bench', '--dir', '/nowhere')
  t.match({ code, out, err }, { code: 2, out: '', err: /^--dir: there is no directory/ })
})

t.test('the host is measured, with a configuration and events of its own', async (t) => {
  const directory = temporaryDirectory(t)
  const config = join(directory, 'mine.yaml')
  const events = join(directory, 'events.ndjson')
  writeFileSync(
    config,
    `# ours
data_dir: ./data
schemas: { door: { file: ./door.json } }
sources: { doors: { type: tcp, listen: '127.0.0.1:0', schema: door, max_connections: 10 } } # in the cellar
sinks: { out: { type: http, url: 'http://127.0.0.1:1/', auth: { bearer: '\${SPILLWAY_TEST_TOKEN}' } } }
`,
  )
  writeFileSync(join(directory, 'door.json'), '{ "type": "object", "required": ["door"] }')
  const note = 'n'.repeat(1000)
  const lines = [
    { door: 17, note },
    { door: 18, note },
    { dor: 1, note },
    { door: 19, note },
  ].map((line) => JSON.stringify(line))
  writeFileSync(events, `${lines.slice(0, 3).join('\n')}\n\n${lines[3]!}`)
  process.env['SPILLWAY_TEST_TOKEN'] = 'hunter2'
  t.teardown(() => delete process.env['SPILLWAY_TEST_TOKEN'])
  const { code, out, err } = await run(
    t,
    'bench',
    '-c',
    config,
    '--file',
    events,
    '--duration',
    '2s',
    '--json',
  )
  t.equal(code, 0, err)
  const report = reported(out)
  t.equal(report.directory, directory, 'its data_dir is not there yet: the disk is that of what is above')
  t.equal(report.events.mean_bytes, lines.join('\n').length / 4 + 0.25)
  t.equal(report.scanner.undecided_share, 0.25)
  const { rejected_share: rejectedShare } = report.rehearsal!
  t.ok(
    rejectedShare > 0.1 && rejectedShare < 0.5,
    `of what is under way, ${rejectedShare} are counted as refused`,
  )
  t.match(report.warnings.join('\n'), /the schema refuses \d+ % of the events/)
  t.match(report.recommended.yaml, /^# ours\n/)
  t.match(report.recommended.yaml, /# in the cellar/)
  t.notMatch(out, /hunter2/, 'secrets stay where they are')
  const {
    bounds,
    highest_events_per_second: highest,
    sustainable_events_per_second: sustainable,
  } = report.rate!
  t.equal(highest, Math.min(...bounds.map(({ events_per_second: perSecond }) => perSecond)))
  t.ok(sustainable < highest)
  t.ok(report.reserves.length > 0)
  t.match(report.disk, { in_memory: Boolean, commits: [{ group_bytes: 4096, p50_ms: Number }, {}, {}, {}] })
  t.ok(report.loopback!.gigabytes_per_second! > 0)
  t.same(
    readdirSync(directory).toSorted(),
    ['door.json', 'events.ndjson', 'mine.yaml'],
    'nothing else is left',
  )
})

t.test('a signal ends it, and nothing is left', async (t) => {
  const directory = temporaryDirectory(t)
  const bench = startCli(t, ['bench', '--dir', directory, '--duration', '2s'])
  await bench.said(/measuring a collector/)
  const [own] = readdirSync(directory)
  // Its rehearsal has begun to write there.
  while (!existsSync(join(directory, own!, 'data'))) await new Promise((resolve) => setTimeout(resolve, 10))
  bench.child.kill('SIGTERM')
  t.match(await bench.ended, { code: 1, out: '' })
  t.same(readdirSync(directory), [])
})
