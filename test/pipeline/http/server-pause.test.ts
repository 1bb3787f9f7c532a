import fc from 'fast-check'
import t from 'tap'
import { classify } from '../../../src/pipeline/http/classify.ts'
import { RETRY_AFTER_MS_MAX } from '../../../src/pipeline/http/retry-after.ts'
import { serverPauseMs } from '../../../src/pipeline/http/server-pause.ts'

const NOW = Date.UTC(2026, 10, 3, 9, 15, 0)
const NOW_S = NOW / 1000
const HOUR_MS = 3_600_000

type Headers = Record<string, string | string[]>

t.test('as services tell it in a refusal', async (t) => {
  const cases: [what: string, headers: Headers, afterMs: number | undefined][] = [
    ['seconds to wait', { 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }, 30_000],
    ['seconds since 1970', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${NOW_S + 42}` }, 42_000],
    ['the same with hyphens', { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': `${NOW_S + 7}` }, 7000],
    ['milliseconds since 1970', { 'x-ratelimit-reset': `${NOW + 1500}` }, 1500],
    ['a fraction', { 'x-ratelimit-reset': '1.25' }, 1250],
    [
      'both forms of it: seconds to wait say it better',
      { 'x-ratelimit-reset': `${NOW_S + 5}`, 'x-ratelimit-reset-after': '4.5' },
      4500,
    ],
    ['a date', { 'x-ratelimit-reset': '2026-11-03T10:15:20+01:00' }, 20_000],
    ['a date of HTTP', { 'x-ratelimit-reset': 'Tue, 03 Nov 2026 09:15:10 GMT' }, 10_000],
    ['of two limits the one used up', { ratelimit: '"burst";r=0;t=3, "da,y";r=17;t=3600' }, 3000],
    ['both used up', { ratelimit: ['"burst";r=0;t=3', '"day";r=0;t=600;pk=:cHsdsRa894==:'] }, 600_000],
    ['an older draft', { ratelimit: 'limit=100, remaining=0, reset=9' }, 9000],
    ['what remains isn’t told', { 'ratelimit-reset': '11' }, 11_000],
    [
      'none of its limits is used up',
      { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '11' },
      undefined,
    ],
    ['gone by', { 'x-ratelimit-reset': `${NOW_S - 5}` }, 0],
    ['longer than an hour', { 'x-ratelimit-reset': `${NOW_S + 8 * 3600}` }, HOUR_MS],
    ['milliseconds to wait look like days', { 'x-rate-limit-reset': '600000' }, undefined],
    ['nonsense', { 'x-ratelimit-reset': 'soon', ratelimit: ';;=,r=,"' }, undefined],
    ['nonsense beside sense', { 'x-ratelimit-reset': '-1', 'ratelimit-reset': '2' }, 2000],
    ['Retry-After', { 'retry-after': '2', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '60' }, 2000],
    ['a Retry-After without sense', { 'retry-after': 'later', 'x-ratelimit-reset': '60' }, 60_000],
    ['nothing', {}, undefined],
  ]
  for (const [what, headers, afterMs] of cases) t.equal(serverPauseMs(429, headers, NOW), afterMs, what)
})

t.test('moments are of the server’s clock', async (t) => {
  const date = 'Tue, 03 Nov 2026 11:00:00 GMT'
  t.equal(serverPauseMs(503, { date, 'retry-after': 'Tue, 03 Nov 2026 11:00:05 GMT' }, NOW), 5000)
  const epoch = `${Date.UTC(2026, 10, 3, 11, 0, 8) / 1000}`
  t.equal(serverPauseMs(429, { date, 'x-ratelimit-reset': epoch }, NOW), 8000)
  t.equal(serverPauseMs(429, { date: 'today', 'x-ratelimit-reset': `${NOW_S + 3}` }, NOW), 3000)
})

t.test('other answers pause only when a limit is used up', async (t) => {
  const usedUp = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }
  for (const status of [200, 202, 500, 403]) t.equal(serverPauseMs(status, usedUp, NOW), 30_000, `${status}`)
  for (const status of [200, 500]) t.equal(serverPauseMs(status, { 'ratelimit-reset': '30' }, NOW), undefined)
  t.equal(serverPauseMs(202, { 'retry-after': '30' }, NOW), undefined, 'when to ask what became of it')
})

const outcomeOf = (status: number, headers: Headers) =>
  classify({ status, headers, body: '', cutOff: null }, NOW)

t.test('in outcomes', async (t) => {
  const usedUp = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }
  t.same(outcomeOf(200, usedUp), { kind: 'ack', afterMs: 30_000 })
  t.same(outcomeOf(200, {}), { kind: 'ack' })
  t.match(outcomeOf(403, usedUp), { kind: 'retry', category: 'throttled', status: 403, afterMs: 30_000 })
  t.match(outcomeOf(403, { 'x-ratelimit-remaining': '3' }), { kind: 'hold' })
  t.match(outcomeOf(429, {}), { kind: 'retry', category: 'throttled', afterMs: undefined })
  t.match(outcomeOf(503, { 'retry-after': '3' }), { kind: 'retry', category: 'server_error', afterMs: 3000 })
})

t.test('whatever a server says, the pause is bounded', async () => {
  const value = fc.oneof(fc.string(), fc.stringMatching(/^[0-9.,;=rt" -]{0,30}$/), fc.nat().map(String))
  const names = [
    'retry-after',
    'date',
    'ratelimit',
    'ratelimit-reset',
    'x-ratelimit-reset',
    'x-rate-limit-reset',
  ]
  const headers = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] })
  const property = fc.property(headers, fc.constantFrom(200, 429, 500), (told, status) => {
    const afterMs = serverPauseMs(status, told, NOW)
    return afterMs === undefined || (afterMs >= 0 && afterMs <= RETRY_AFTER_MS_MAX)
  })
  fc.assert(property, { numRuns: 500 })
})
