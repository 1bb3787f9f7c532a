import t from 'tap'
import { checkConfig } from '../../src/app/config/load.ts'
import { cases, withEvents } from '../../bench/cases.ts'
import { chooseCases, whyNot } from '../../bench/choose.ts'
import { configOf } from '../../bench/flood.ts'
import { loadOf } from '../../bench/run-case.ts'
import { backAfterS } from '../../bench/surge.ts'
import { tablePlans, targetCases } from '../../bench/table-plans.ts'

const names = cases.map(({ name }) => name)

t.test('a case has one name, stands behind what it is compared with, and in a table', async (t) => {
  t.equal(new Set(names).size, names.length)
  const rows = new Set(tablePlans.flatMap((plan) => Object.keys(plan.rows)))
  const besides = new Set(cases.map(({ beside }) => beside))
  for (const [index, { name, beside, aboutS }] of cases.entries()) {
    if (beside !== undefined) t.ok(names.slice(0, index).includes(beside), `${name} beside ${beside}`)
    t.ok(rows.has(name) || besides.has(name), `${name} is in a table`)
    t.ok(aboutS > 0)
  }
})

t.test('a table has rows that there are, and a name that no case has', async (t) => {
  for (const { name, rows } of tablePlans) {
    t.notOk(names.includes(name), name)
    for (const row of Object.keys(rows)) t.ok(names.includes(row), `${name}: ${row}`)
  }
})

const chosen = (...wanted: string[]) => chooseCases(wanted).map(({ name }) => name)

t.test('cases are chosen by name and by table', async (t) => {
  t.strictSame(chosen('durable-tcp-2'), ['tcp-2', 'durable-tcp-2'])
  t.strictSame(
    chooseCases(['durable-tcp-2'], true).map(({ name }) => name),
    ['durable-tcp-2'],
  )
  t.strictSame(chosen('sinks'), ['tcp-2', 'sinks-2', 'sinks-3'])
  t.strictSame(chosen('all'), names)
  t.ok(targetCases.every(({ name }) => chosen().includes(name)))
  t.throws(() => chosen('tcp-3'), /tables all, targets, .*cases tcp-2,/)
})

t.test('the collector would start with what each flood tells it', async (t) => {
  for (const benchCase of cases) {
    if (benchCase.kind !== 'flood') continue
    const urls = Array.from({ length: benchCase.sinks ?? 1 }, () => 'http://127.0.0.1:1/')
    const config = configOf(benchCase, { urls, served: ['http://127.0.0.1:1/'] })
    t.doesNotThrow(() => checkConfig(config), benchCase.name)
  }
})

t.test('a case that needs more open files than there may be is left out, and says so', async (t) => {
  const many = cases.find(({ name }) => name === 'tcp-5000')!
  t.match(whyNot(many, 1024), /`ulimit -n 5200`/)
  t.equal(whyNot(many, 20_000), null)
})

const load = (name: string) =>
  loadOf(
    cases.find((benchCase) => benchCase.name === name)!,
    'tools',
  )

t.test('who sends is told, and how long a flood of another length takes', async (t) => {
  t.equal(load('tcp-2'), 'C tools')
  t.equal(load('poll'), 'an own thread, received by C tools')
  t.equal(load('posts-32'), 'own threads')
  const [flood] = cases
  t.ok(withEvents(flood!, 400_000).aboutS < flood!.aboutS)
  t.match(withEvents(flood!, 1001), { events: 1500 }, 'of whole writes')
})

t.test('after a surge all is as before when nothing takes longer for two seconds', async (t) => {
  const quiet = Array<number>(8).fill(20)
  t.equal(backAfterS(Float64Array.from([10, 900, 500, ...quiet]), 1, 10), 0.5)
  t.equal(backAfterS(Float64Array.from([10, 900, 500, 20, 20]), 1, 10), null)
})
