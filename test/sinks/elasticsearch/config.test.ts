import t from 'tap'
import { memorySum } from '../../../src/app/config/memory-sum.ts'
import type { MemoryItem } from '../../../src/app/config/memory-sum.ts'
import { KIB } from '../../../src/base/units.ts'
import { parse, problemsOf } from '../../app/config/fixtures/configs.ts'

function withSink(keys: string): string {
  return `sources: { in: { type: tcp, listen: 127.0.0.1:0 } }
sinks:
  out: { type: elasticsearch, url: "https://es.example/", ${keys} }
`
}

const withAuth = (auth: string, more = '') => problemsOf(withSink(`index: logs, auth: ${auth}${more}`))

function verdicts(keys: string): MemoryItem {
  const { items } = memorySum(parse(withSink(keys)).config)
  return items.find(({ what }) => what.startsWith('sinks.out: verdicts'))!
}

t.test('names of indexes', async (t) => {
  for (const index of [
    'logs',
    'logs-soc-1',
    '.hidden',
    'a',
    'l.o_g+s',
    '<logs-{now/d}>',
    `a${'b'.repeat(253)}`,
  ]) {
    t.same(problemsOf(withSink(`index: "${index}"`)), [], index)
  }
  for (const index of [
    '',
    'Logs',
    '_logs',
    '-logs',
    '..',
    'a/b',
    'a b',
    'a,b',
    'a*',
    'ä',
    '<a',
    'a>',
    `a${'b'.repeat(255)}`,
  ]) {
    t.match(
      problemsOf(withSink(`index: "${index}"`)),
      [/sinks\.out\.index: expected the name of an index/],
      index,
    )
  }
  t.match(problemsOf(withSink('')), [/index/])
})

t.test('one way to say who asks', async (t) => {
  t.same(withAuth('{ api_key: a2V5 }'), [])
  t.same(withAuth('{ bearer: token }'), [])
  t.match(withAuth('{ api_key: a2V5, bearer: token }'), [
    /sinks\.out\.auth: expected bearer, basic or api_key, found both/,
  ])
  t.match(withAuth('{}'), [/sinks\.out\.auth: expected bearer, basic or api_key, found neither/])
  t.match(withAuth('{ api_key: a2V5 }', ', headers: { Authorization: x }'), [
    /headers\.Authorization: expected either auth/,
  ])
})

t.test('the address has no query', async (t) => {
  const text = withSink('index: logs').replace('example/', 'example/es?pipeline=a')
  t.match(problemsOf(text), [/sinks\.out\.url: expected the address of the server, without a query/])
})

t.test('its part of the memory', async (t) => {
  const ofAnswer = 10_000 * 64 + 64 * KIB
  t.equal(verdicts('index: logs, request: { concurrency: 2 }').bytes, 2 * ofAnswer)
  const fewer = 'index: logs, request: { concurrency: 2 }, batch: { max_events: 100 }'
  t.equal(verdicts(fewer).bytes, 2 * (100 * 64 + 64 * KIB))
  const adaptive = verdicts('index: logs').bytes / ofAnswer
  t.ok(adaptive > 2 && adaptive <= 34, 'no more than there are output slabs for')
})
