/** What goes with a batch, and what goes without one. */
import t from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { IDLE_MS_MAX } from '../../../src/pipeline/http/requester.ts'
import { HttpSink } from '../../../src/sinks/http/index.ts'
import { until } from '../../helpers/until.ts'
import { NEVER, context, httpConfig, payloadOf } from '../fixtures/configs.ts'
import { startReceiver } from '../fixtures/receiver.ts'
import type { Receiver } from '../fixtures/receiver.ts'

type Test = Pick<typeof t, 'teardown'>

async function started(t: Test, more: object = {}, of = context): Promise<[HttpSink, Receiver]> {
  const receiver = await startReceiver()
  const sink = new HttpSink(httpConfig(receiver.url, more), of)
  await sink.start()
  t.teardown(async () => {
    await sink.stop()
    await receiver.close()
  })
  return [sink, receiver]
}

const breaker = (probe: object) => ({
  breaker: { failures: 5, cooldownMs: 1000, maxCooldownMs: 60_000, probe },
})

t.test('a batch carries the digest of its ids, in quotes', async (t) => {
  const [sink, receiver] = await started(t)
  await sink.send(payloadOf(['a\n'], { idempotencyKey: 'p-kT_9' }), NEVER)
  await sink.send(payloadOf(['a\n']), NEVER)
  t.same(
    receiver.received.map(({ request }) => request.headers['idempotency-key']),
    ['"p-kT_9"', undefined],
  )
})

t.test('without breaker.probe there is none', async (t) => {
  const [sink] = await started(t)
  t.equal(sink.probe, undefined)
})

t.test('a probe is a request of its own, with the credentials', async (t) => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'] as const) {
    const [sink, receiver] = await started(t, {
      ...breaker({ method, path: '/health?deep=1' }),
      auth: { bearer: 'secret' },
      headers: { 'X-Team': 'soc' },
    })
    t.same(await sink.probe!(NEVER), { kind: 'ack' }, method)
    const { request, body } = receiver.received[0]!
    t.equal(`${request.method} ${request.url}`, `${method} /health?deep=1`)
    t.match(request.headers, { authorization: 'Bearer secret', 'x-team': 'soc' })
    t.notOk('transfer-encoding' in request.headers)
    t.equal(request.headers['content-length'], method === 'POST' ? '0' : undefined)
    t.equal(body.length, 0)
  }
})

t.test('its answer is classified as any other', async (t) => {
  const [sink, receiver] = await started(t, breaker({ method: 'GET', path: '/health' }))
  let status = 204
  receiver.answer = (response) => void response.writeHead(status, { 'retry-after': '4' }).end()
  t.same(await sink.probe!(NEVER), { kind: 'ack' })
  status = 503
  t.match(await sink.probe!(NEVER), { kind: 'retry', status: 503, afterMs: 4000 })
  status = 401
  t.match(await sink.probe!(NEVER), { kind: 'hold', status: 401 })
  await receiver.close()
  t.match(await sink.probe!(NEVER), { kind: 'retry' })
})

t.test('connections that fewer requests at once leave without work are closed', async (t) => {
  let lateMs = 0
  const clock = { ...systemClock, now: () => systemClock.now() + lateMs }
  const [sink, receiver] = await started(t, {}, { ...context, clock })
  let open = 0
  receiver.server.on('connection', (socket) => {
    open++
    socket.on('close', () => open--)
  })
  const send = () => sink.send(payloadOf(['a\n']), NEVER)
  await Promise.all([send(), send(), send(), send()])
  t.equal(open, 4)
  await send()
  t.equal(open, 4)
  lateMs = IDLE_MS_MAX + 1
  for (let batch = 0; batch < 5; batch++) await send()
  await until(() => open === 1)
  t.equal(receiver.connections, 4, 'and the one in use goes on')
})
