import { gzipSync } from 'node:zlib'
import t from 'tap'
import { NOTHING_LEFT, Rig } from './rig.ts'
import { head, makeEvents, post, RawClient } from './raw-client.ts'
import type { Answer } from './raw-client.ts'
import { until } from '../../helpers/until.ts'

const LINES = { 'content-type': 'application/x-ndjson' }
const BODY = makeEvents(1000, 300).join('\n')

t.test('a full arena: what is in waits, what comes is refused, all goes on later', async (t) => {
  for (const [form, body, headers, share = 1] of [
    ['lines', BODY, LINES],
    ['lines, over its share', BODY, LINES, 0.5],
    ['array', `[${makeEvents(1000, 300).join(',')}]`, { 'content-type': 'application/json' }],
    ['untold', BODY, {}],
    ['gzip', gzipSync(BODY), { ...LINES, 'content-encoding': 'gzip' }],
  ] as const) {
    const rig = await Rig.start({ slabs: 8, share })
    await rig.warm()
    rig.keepText = false
    rig.hold(true)
    const answers: Promise<Answer>[] = []
    while (!rig.intake.full) {
      const answer = post(rig.url, body, headers)
      answers.push(answer)
      let answered = false
      void answer.finally(() => (answered = true))
      await until(() => answered || rig.intake.full)
    }
    const refused = await post(rig.url, body, headers)
    t.match(
      refused,
      { status: share < 1 ? 429 : 503, headers: { 'retry-after': '7', connection: 'close' } },
      form,
    )
    t.match(refused.json, { error: /Retry-After/ })
    rig.hold(false)
    let taken = 0
    for (const { status, json } of await Promise.all(answers)) {
      // The last ones may have come to a closed door.
      if (status === refused.status) t.equal(json.accepted, undefined)
      else t.match({ status, json }, { status: 200, json: { accepted: 1000, rejected: 0 } }, `${form}: taken`)
      if (status === 200) taken++
    }
    t.ok(taken > 0)
    await until(() => !rig.intake.full)
    t.match(await post(rig.url, body, headers), { status: 200, json: { accepted: 1000 } }, `${form}: goes on`)
    await rig.settled()
    t.equal(rig.ledger.sinks[0]!.delivered[0], taken * 1000 + 1000)
    t.strictSame(rig.ledger.imbalances(), [])
    t.strictSame(await rig.stop(), NOTHING_LEFT, form)
  }
})

/** 24 MB. */
async function* largeBody(begin: string, separator: string, end: string) {
  yield Buffer.from(begin)
  const event = makeEvents(1, 400)[0]!
  const piece = Buffer.from((begin === '' ? event + separator : separator + event).repeat(1000))
  for (let i = 0; i < 60; i++) yield piece
  yield Buffer.from(end)
}

t.test('one body larger than the arena goes through as the sink takes it', async (t) => {
  const rig = await Rig.start({ slabs: 8, config: { idleTimeoutMs: 1000 } })
  await rig.warm()
  rig.keepText = false
  for (const [headers, begin, separator, end] of [
    [LINES, '', '\n', ''],
    [{ 'content-type': 'application/json' }, '[{}', ',', ']'],
    [{}, '', '\n', ''],
  ] as const) {
    rig.hold(true)
    const answer = post(rig.url, largeBody(begin, separator, end), headers)
    await until(() => rig.intake.full)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    t.ok(rig.intake.full, 'nobody is idle for our sake')
    rig.hold(false)
    const accepted = 60_000 + (begin === '' ? 0 : 1)
    t.match(await answer, { status: 200, json: { accepted, rejected: 0 } })
  }
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test('while answers could not be kept, nothing is taken', async (t) => {
  const rig = await Rig.start()
  rig.accepting = false
  rig.refusal = 'the disk of the journal fails'
  const refused = await post(rig.url, BODY, LINES)
  t.match(refused, {
    status: 503,
    headers: { 'retry-after': '7' },
    json: { error: /^the disk of the journal fails: / },
  })
  rig.accepting = true
  t.match(await post(rig.url, BODY, LINES), { status: 200, json: { accepted: 1000 } })
  await rig.settled()
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test('a request that is not committed within idle_timeout gets 503, and stays in', async (t) => {
  const rig = await Rig.start({ config: { idleTimeoutMs: 200 } })
  await rig.warm()
  rig.deadLettersWait = true
  const { status, headers, json } = await post(rig.url, '{"a":1}\n{"a":', LINES)
  t.match(
    { status, headers, json },
    { status: 503, headers: { 'retry-after': '7' }, json: { error: /the disk or for room/ } },
  )
  t.match(rig.refused, [{ status: 503, reason: 'not committed' }])
  const gone = await RawClient.connect(rig.port)
  gone.send(`${head(9, LINES)}{"a":1}\n{`)
  await until(() => rig.source.requestsInHand === 2)
  gone.destroy()
  rig.deadLettersWait = false
  await rig.settled()
  t.equal(rig.source.requestsInHand, 0)
  t.equal(rig.delivered.length, 2)
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

const HALF_BAD = '{"a":1}\n{"a":\n{"a":3}'

t.test('ack: delivered is answered once the sink has settled all of it', async (t) => {
  const rig = await Rig.start({ config: { ack: 'delivered' } })
  await rig.warm()
  rig.hold(true)
  const answer = post(rig.url, HALF_BAD, LINES)
  await until(() => rig.deadLetters.length === 1 && rig.waiting > 0)
  t.equal(rig.source.requestsInHand, 1)
  rig.hold(false)
  t.match(await answer, { status: 200, json: { accepted: 2, rejected: 1, errors: [{ index: 1 }] } })
  t.match(
    await post(rig.url, '{"a":', LINES),
    { status: 200, json: { accepted: 0, rejected: 1 } },
    'nothing to deliver',
  )
  t.match(
    await post(rig.url, '', LINES),
    { status: 200, json: { accepted: 0, rejected: 0 } },
    'nothing at all',
  )
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test(
  'ack: delivered: what is not delivered within ack_timeout gets 503 with its counts, and stays in',
  async (t) => {
    const rig = await Rig.start({
      config: { ack: 'delivered', ackTimeoutMs: 200, idleTimeoutMs: 100, maxRequests: 2 },
    })
    await rig.warm()
    rig.hold(true)
    const { status, headers, json } = await post(rig.url, HALF_BAD, LINES)
    t.match(
      { status, headers, json },
      {
        status: 503,
        headers: { 'retry-after': '7' },
        json: { error: /are in and stay in.*ack_timeout, 200 ?ms/, accepted: 2, rejected: 1 },
      },
    )
    t.match(rig.refused, [{ status: 503, reason: 'not delivered' }])
    for (const turn of ['second', 'third'])
      t.match(await post(rig.url, HALF_BAD, LINES), { status: 503 }, `the ${turn} one finds a free place`)
    t.equal(rig.source.requestsInHand, 0)
    rig.hold(false)
    await rig.settled()
    t.equal(rig.delivered.length, 6)
    t.match(await post(rig.url, HALF_BAD, LINES), { status: 200 })
    t.strictSame(rig.ledger.imbalances(), [])
    await rig.settled()
    t.strictSame(await rig.stop(), NOTHING_LEFT)
  },
)

t.test('a stop at its deadline tells those who wait that their events stay in', async (t) => {
  const rig = await Rig.start({ config: { ack: 'delivered' } })
  await rig.warm()
  rig.hold(true)
  const client = await RawClient.connect(rig.port)
  client.send(`${head(HALF_BAD.length, LINES)}${HALF_BAD}`)
  const reading = await RawClient.connect(rig.port)
  reading.send(`${head(100, LINES)}{"a":1}\n`)
  await until(() => rig.source.requestsInHand === 2 && rig.waiting > 0)
  const deadline = new AbortController()
  const stopped = rig.source.stop(deadline.signal)
  deadline.abort()
  t.match(await client.answer(), {
    status: 503,
    json: { error: /stay in.*stopping/, accepted: 2, rejected: 1 },
  })
  await stopped
  rig.hold(false)
  await rig.settled()
  t.equal(rig.delivered.length, 3)
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})
