/** What follows from what came of a request. */
import t from 'tap'
import { Poll } from '../../../src/sources/http_poll/poll.ts'
import { redirectTarget, verdictOf, verdictOfError } from '../../../src/sources/http_poll/verdict.ts'

const retry = { attempts: 3, initialMs: 1000, maxMs: 1500, jitter: 'full' } as const
const poll = (random = 0.5) =>
  new Poll('https://api.example/logs?key=x', { intervalMs: 60_000, retry }, () => random)
const failure = { kind: 'retry', reason: 'HTTP 500' } as const

const kind = (status: number, headers = {}) => verdictOf(status, headers, Date.UTC(2026, 0, 1)).kind
const error = (code: string) => Object.assign(new Error('it broke'), { code })

t.test('a success: the next poll is due an interval after the beginning of this one', async (t) => {
  const one = poll()
  one.begin(1000)
  t.same(one.settle({ kind: 'ok' }, 5000, 7), { dueAtMs: 61_000, result: 'ok' })
  t.same(one.lastSuccess, new Date(7))
  one.begin(61_000)
  t.same(
    one.settle({ kind: 'ok' }, 150_000, 8),
    { dueAtMs: 150_000, result: 'ok' },
    'or at once, if that is over',
  )
})

t.test('failures: tried again with backoff, then given up until the next poll', async (t) => {
  const one = poll()
  one.begin(0)
  t.same(one.settle(failure, 10, 0), { dueAtMs: 510, result: 'retry' })
  t.equal(one.lastError, 'HTTP 500')
  one.begin(510)
  t.same(one.settle(failure, 520, 0), { dueAtMs: 520 + 750, result: 'retry' }, 'at most retry.max')
  one.begin(1270)
  t.equal(one.attempts, 3)
  t.same(one.settle(failure, 1280, 0), { dueAtMs: 60_000, result: 'failed' })
  one.begin(60_000)
  t.equal(one.attempts, 1)
  t.same(one.settle({ kind: 'failed', reason: 'HTTP 404' }, 60_010, 0), {
    dueAtMs: 120_000,
    result: 'failed',
  })
  one.begin(120_000)
  t.same(one.settle({ kind: 'ok' }, 120_010, 0), { dueAtMs: 180_000, result: 'ok' })
  t.equal(one.lastError, null)
})

t.test('throttled: as long as the server says, but never without a pause', async (t) => {
  const one = poll()
  one.begin(0)
  const wait = (afterMs: number) => one.settle({ kind: 'throttled', reason: 'HTTP 429', afterMs }, 10, 0)
  t.same(wait(90_000), { dueAtMs: 90_010, result: 'throttled' })
  one.begin(90_010)
  t.equal(one.attempts, 1, 'which is a poll of its own')
  t.same(wait(0), { dueAtMs: 1010, result: 'throttled' })
})

t.test('a query is not shown', async (t) => {
  t.equal(poll().shown, 'https://api.example/logs?...')
  t.equal(poll().nextRequest().href, 'https://api.example/logs?key=x')
})

t.test('heads of answers', async (t) => {
  for (const status of [200, 201, 206]) t.equal(kind(status), 'body')
  for (const status of [204, 205, 304]) t.equal(kind(status), 'ok')
  for (const status of [400, 401, 403, 404, 410, 415, 422, 300, 305]) t.equal(kind(status), 'failed')
  for (const status of [408, 429, 500, 502, 503, 504, 599]) t.equal(kind(status), 'retry')
  for (const status of [301, 302, 303, 307, 308]) {
    t.equal(kind(status, { location: '/x' }), 'redirect')
    t.same(verdictOf(status, {}, 0), { kind: 'failed', reason: `HTTP ${status} without a location` })
  }
  for (const status of [429, 503]) {
    t.match(verdictOf(status, { 'retry-after': ['7', '8'] }, 0), { kind: 'throttled', afterMs: 7000 })
    const date = { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }
    t.match(verdictOf(status, date, Date.UTC(2026, 0, 1)), { kind: 'throttled', afterMs: 30_000 })
    t.match(verdictOf(status, { 'retry-after': '999999999' }, 0), { kind: 'throttled', afterMs: 3_600_000 })
    t.equal(kind(status, { 'retry-after': 'soon' }), 'retry')
  }
  t.equal(kind(500, { 'retry-after': '7' }), 'retry')
})

t.test('no answer', async (t) => {
  t.same(verdictOfError(error('ECONNRESET')), { kind: 'retry', reason: 'ECONNRESET: it broke' })
  t.match(verdictOfError(error('CERT_HAS_EXPIRED')), { kind: 'retry', reason: /^certificate refused: / })
})

t.test('redirects', async (t) => {
  const from = new URL('https://api.example/a/b?c=d')
  const href = (location: string) => {
    const target = redirectTarget(from, location)
    return typeof target === 'string' ? target : target.href
  }
  t.equal(href('x'), 'https://api.example/a/x')
  t.equal(href('/x?y#z'), 'https://api.example/x?y#z')
  t.equal(href('//other.example/'), 'https://other.example/')
  t.equal(href('https://other.example:8443/x'), 'https://other.example:8443/x')
  t.match(href('http://api.example/x'), /from https:\/\/ to http:/)
  t.match(href('https://a:b@api.example/x'), /credentials/)
  for (const bad of ['file:///etc/passwd', 'gopher://x', 'https://', 'http://['])
    t.match(href(bad), /no http/)
  const plain = redirectTarget(new URL('http://api.example/'), 'https://api.example/')
  t.ok(plain instanceof URL, 'from http:// to https:// it is followed')
})
