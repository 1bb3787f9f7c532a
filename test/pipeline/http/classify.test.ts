import t from 'tap'
import { classify, classifyError } from '../../../src/pipeline/http/classify.ts'
import { retryAfterMs } from '../../../src/pipeline/http/retry-after.ts'

const NOW = Date.UTC(2026, 10, 3, 9, 15, 0)

function outcomeOf(status: number, body = '', retryAfter = '') {
  const headers = retryAfter === '' ? {} : { 'retry-after': retryAfter }
  return classify({ status, headers, body, cutOff: null }, NOW)
}

function categoryOf(status: number): string | undefined {
  const outcome = outcomeOf(status)
  return outcome.kind === 'retry' ? outcome.category : undefined
}

function coded(code: string): Error {
  return Object.assign(new Error(`it said ${code}`), { code })
}

t.test('every status has its class', async (t) => {
  const classes: Record<string, number[]> = {
    ack: [200, 201, 202, 204, 206, 299],
    hold: [300, 301, 302, 304, 307, 308, 401, 403, 404, 405, 411, 415],
    reject: [400, 413, 422],
    retry: [402, 406, 408, 409, 410, 412, 414, 418, 425, 429, 431, 500, 501, 502, 503, 504, 507, 599, 600],
  }
  for (const [kind, statuses] of Object.entries(classes)) {
    for (const status of statuses) {
      const outcome = outcomeOf(status)
      t.equal(outcome.kind, kind, `${status}`)
      if (outcome.kind !== 'ack' && outcome.kind !== 'partial') t.equal(outcome.status, status)
    }
  }
})

t.test('what is retried has a category', async (t) => {
  t.equal(categoryOf(408), 'timeout')
  t.equal(categoryOf(429), 'throttled')
  t.equal(categoryOf(503), 'server_error')
  t.equal(categoryOf(418), 'unknown')
  t.equal(categoryOf(600), 'unknown')
})

t.test('the reason has the words of the server, printable and not too many', async (t) => {
  t.match(outcomeOf(400, 'no\r\n\u001b[31m "index"  \u2028given\ufffd'), {
    reason: 'HTTP 400: no [31m "index" given',
  })
  t.match(outcomeOf(401), { reason: 'HTTP 401' })
  const outcome = outcomeOf(500, 'x'.repeat(5000))
  t.equal(outcome.kind === 'retry' && outcome.reason.length, 'HTTP 500: '.length + 200)
})

t.test('Retry-After as seconds or as a date', async (t) => {
  t.equal(retryAfterMs('', NOW), undefined)
  t.equal(retryAfterMs('0', NOW), 0)
  t.equal(retryAfterMs(' 7 ', NOW), 7000)
  t.equal(retryAfterMs('99999999999', NOW), 3_600_000, 'not for ever')
  t.equal(retryAfterMs('Tue, 03 Nov 2026 09:15:30 GMT', NOW), 30_000)
  t.equal(retryAfterMs('Tuesday, 03-Nov-26 09:15:30 GMT', NOW), 30_000)
  t.equal(retryAfterMs('Tue Nov  3 09:15:30 2026', NOW), 30_000)
  t.equal(retryAfterMs('Tue, 03 Nov 2026 09:00:00 GMT', NOW), 0, 'gone by')
  for (const wrong of ['soon', '-5', '1.5', '2026-11-03', 'Xyz, 99 Foo 2026 99:99:99 GMT']) {
    t.equal(retryAfterMs(wrong, NOW), undefined, wrong)
  }
  t.match(outcomeOf(503, '', '7'), { afterMs: 7000 })
  t.notOk('afterMs' in outcomeOf(503, '', 'soon'))
})

t.test('errors without an answer', async (t) => {
  const categories: Record<string, string[]> = {
    connect: ['ECONNREFUSED', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
    dns: ['ENOTFOUND', 'EAI_AGAIN'],
    timeout: ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'],
    reset: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'],
    tls: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    unknown: ['HPE_INVALID_CONSTANT', 'E_NEVER_HEARD_OF'],
  }
  for (const [category, codes] of Object.entries(categories)) {
    for (const code of codes) t.match(classifyError(coded(code)), { kind: 'retry', category }, code)
  }
  for (const code of [
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  ]) {
    t.match(
      classifyError(coded(code)),
      { kind: 'hold', reason: `certificate refused: it said ${code}` },
      code,
    )
  }
  t.match(classifyError(new Error('outer', { cause: coded('ECONNRESET') })), {
    category: 'reset',
    reason: 'ECONNRESET: outer',
  })
  t.match(classifyError(new Error('what')), { category: 'unknown', reason: 'what' })
})
