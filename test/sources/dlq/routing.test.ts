import t from 'tap'
import type { Letter } from '../../../src/dlq/letter.ts'
import { LetterRouting } from '../../../src/sources/dlq/routing.ts'
import type { RoutingChoice } from '../../../src/sources/dlq/routing.ts'

const config = {
  sources: [
    { name: 'push', schema: 'soc', decoded: false },
    { name: 'net', schema: 'soc', decoded: true },
    { name: 'app', schema: 'mine', decoded: false },
    { name: 'alone', schema: 'any', decoded: false },
  ],
  sinks: [
    { name: 'siem', inputs: ['push', 'net'] },
    { name: 'archive', inputs: ['push', 'net', 'app'] },
  ],
  schemas: ['soc', 'any', 'mine'],
}

const refused: Letter = {
  source: 'push',
  peer: '192.0.2.7:514',
  received_at: '2026-11-03T09:15:00.000Z',
  category: 'schema_violation',
  record: '{}',
}
const givenUp: Letter = { ...refused, category: 'refused', sink: 'siem' }

function route(letter: Letter, choice: RoutingChoice = {}) {
  const routing = new LetterRouting(config, choice)
  const terms = routing.of(letter)
  if (typeof terms === 'string') return terms
  return { schema: config.schemas[terms.rules - 1], sinks: routing.namesOf(terms) }
}

void t.test('where a letter goes by itself', async (t) => {
  t.same(
    route(refused),
    { schema: 'soc', sinks: ['siem', 'archive'] },
    'refused at ingest: who reads its source',
  )
  t.same(route({ ...refused, source: 'app' }), { schema: 'mine', sinks: ['archive'] })
  t.same(route(givenUp), { schema: 'soc', sinks: ['siem'] }, 'given up at delivery: that sink')
  t.same(
    route({ ...givenUp, source: 'net' }),
    { schema: 'soc', sinks: ['siem'] },
    'what was decoded once is an event',
  )
})

void t.test('why a letter stays where it is', async (t) => {
  t.equal(route({ ...refused, truncated: true }), 'truncated')
  t.equal(route({ ...refused, source: 'gone' }), 'source_gone')
  t.equal(route({ ...refused, source: 'gone' }, { schema: 'any' }), 'source_gone', 'nobody reads it')
  t.equal(route({ ...refused, source: 'gone' }, { sinks: ['siem'] }), 'source_gone', 'nothing judges it')
  t.equal(route({ ...givenUp, sink: 'gone' }), 'sink_gone')
  t.equal(route({ ...refused, source: 'alone' }), 'no_sink')
  t.equal(route({ ...refused, source: 'net', category: 'oversize_record' }), 'undecoded')
})

void t.test('what the operator chooses goes first', async (t) => {
  t.same(route(refused, { sinks: ['archive'], schema: 'any' }), { schema: 'any', sinks: ['archive'] })
  t.same(route({ ...refused, source: 'gone' }, { sinks: ['siem'], schema: 'any' }), {
    schema: 'any',
    sinks: ['siem'],
  })
  t.same(route({ ...givenUp, source: 'gone' }, { schema: 'any' }), { schema: 'any', sinks: ['siem'] })
  t.same(route({ ...givenUp, sink: 'gone' }, { sinks: ['archive'] }), { schema: 'soc', sinks: ['archive'] })
  const error = { code: 'SPW_ERR_OPTION_INVALID' }
  t.throws(() => new LetterRouting(config, { sinks: ['nowhere'] }), error)
  t.throws(() => new LetterRouting(config, { schema: 'none' }), error)
})

void t.test('a letter of a replay is known by its first source, which stands in its peer', async (t) => {
  const routing = new LetterRouting(config, {})
  const peer = routing.peerOf(refused)
  t.equal(peer, 'push 192.0.2.7:514')
  const again = { ...refused, source: 'dlq', peer }
  t.same(route(again), { schema: 'soc', sinks: ['siem', 'archive'] })
  t.equal(routing.peerOf(again), peer, 'and so on')
  t.same(route({ ...again, peer: 'net 192.0.2.7:514' }), { schema: 'soc', sinks: ['siem', 'archive'] })
  t.same(route({ ...again, peer: 'gone 192.0.2.7:514' }), 'source_gone')
  t.same(route({ ...again, peer: 'ap' }), { schema: 'mine', sinks: ['archive'] }, 'a name that was cut')
})

void t.test('letters with the same destination share their terms', async (t) => {
  const routing = new LetterRouting(config, {})
  t.equal(routing.of(refused), routing.of({ ...refused, peer: 'another' }))
  t.not(routing.of(refused), routing.of(givenUp))
})
