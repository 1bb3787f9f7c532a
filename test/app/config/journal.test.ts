import t from 'tap'
import { detailsOf, least, parse, withSink, withSource } from './fixtures/configs.ts'

const withJournal = (keys: string): string => `journal: { ${keys} }\n${least}`
const disk = (text: string): string => `journal: { mode: disk }\n${text}`
const memory = (text: string): string => `journal: { mode: memory }\n${text}`
const listen = 'listen: 127.0.0.1:0'

const ackOf = (text: string): unknown => parse(text).config.sources[0]!.ack

/** What is wrong with steps of shedding. */
const shed = (steps: string): string[] =>
  detailsOf(withJournal(`mode: disk, when_full: shed, shed: [${steps}]`)).map(({ path }) => path)

t.test('the journal as code gets it', async (t) => {
  t.match(parse(withJournal('mode: disk')).config.journal, {
    mode: 'disk',
    maxBytes: 10 * 1024 ** 3,
    whenFull: 'block',
    fastSeverity: 8,
    shed: undefined,
  })
  const steps = 'shed: [{ above: 80%, severity_below: 3 }, { above: 92.5%, severity_below: 6 }]'
  const { config, shown } = parse(withJournal(`mode: disk, when_full: shed, ${steps}, fast_severity: 10`))
  t.same(config.journal, {
    mode: 'disk',
    maxBytes: 10 * 1024 ** 3,
    whenFull: 'shed',
    shed: [
      { above: 0.8, severityBelow: 3 },
      { above: 0.925, severityBelow: 6 },
    ],
    fastSeverity: 10,
  })
  t.match(shown, {
    journal: {
      shed: [
        { above: '80%', severity_below: 3 },
        { above: '92.5%', severity_below: 6 },
      ],
    },
  })
})

t.test('what does not go together', async (t) => {
  const cases: [path: string, text: string][] = [
    ['journal.max_bytes', withJournal('max_bytes: 63MiB')],
    ['journal.shed', withJournal('mode: disk, when_full: shed')],
    ['journal.shed', withJournal('mode: disk, shed: [{ above: 80%, severity_below: 3 }]')],
    ['journal.shed', withJournal('mode: disk, when_full: shed, shed: []')],
    [
      'journal.when_full',
      withJournal('mode: memory, when_full: shed, shed: [{ above: 80%, severity_below: 3 }]'),
    ],
    ['journal.fast_severity', withJournal('fast_severity: 0')],
    ['sources.in.ack', memory(withSource(`${listen}, ack: stored`))],
    ['sinks.out.from', withSink('from: oldest, where: { severity: { gte: 3 } }')],
    ['sinks.out.lookahead_bytes', withSink('lookahead_bytes: 512KiB')],
  ]
  for (const [path, text] of cases) {
    const problems = detailsOf(text)
    t.match(problems, [{ path }], text)
    t.equal(problems.length, 1)
  }
})

t.test('steps of shedding rise, and are whole', async (t) => {
  t.same(shed('{ above: 80%, severity_below: 3 }, { above: 80%, severity_below: 4 }'), [
    'journal.shed.1.above',
  ])
  t.same(shed('{ above: 80%, severity_below: 3 }, { above: 90%, severity_below: 3 }'), [
    'journal.shed.1.severity_below',
  ])
  for (const above of ['80', '0.8', '100%', '0%', '-5%', 'most'])
    t.same(shed(`{ above: ${above}, severity_below: 3 }`), ['journal.shed.0.above'], above)
  t.same(shed('{ above: 80%, severity_below: 11 }'), ['journal.shed.0.severity_below'])
  t.same(shed('{ above: 80% }'), ['journal.shed.0.severity_below'])
})

t.test('an answer promises what the mode can keep, unless it is said', async (t) => {
  t.equal(ackOf(disk(least)), 'stored')
  t.equal(ackOf(memory(least)), 'accepted')
  for (const ack of ['accepted', 'stored', 'delivered'])
    t.equal(ackOf(disk(withSource(`${listen}, ack: ${ack}`))), ack)
  t.equal(ackOf(memory(withSource(`${listen}, ack: delivered`))), 'delivered')
  t.match(parse(disk(least)).shown, { sources: { in: { ack: 'stored' } } })
  t.match(parse(least).config.sources[0], { ackTimeoutMs: 30_000 })
  t.match(parse(least).config.sinks[0], { from: 'now', lookaheadBytes: 256 * 1024 ** 2 })
})
