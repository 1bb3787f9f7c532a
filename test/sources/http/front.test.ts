/** What the front takes it takes as node:http would, and what it leaves to it arrives there whole. */
import assert from 'node:assert'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { NOTHING_LEFT, Rig } from './rig.ts'
import { head, RawClient } from './raw-client.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20260115)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)

const SMUGGLED = '{"smuggled":1}'
const HIDDEN = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`

interface Heard {
  readonly answers: readonly string[]
  /** What came behind the last whole answer. */
  readonly rest: string
  /** Then answers may have been lost on their way: node:http answers a request without Host and closes, with its body unread. */
  readonly isReset: boolean
}

/** One request, or what stands in its place, in pieces. */
type Turn = readonly Buffer[]

/**
 * Sends the turns, and then no more; with `waits` only when the turn before was answered. What came until the server had
 * closed, too.
 */
async function converse(rig: Rig, turns: readonly Turn[], waits: boolean): Promise<Heard> {
  const socket = connect({ port: rig.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let text = ''
  let heard: (() => void) | null = null
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part
    heard?.()
  })
  let ended = false
  const onEnd = () => {
    ended = true
    heard?.()
  }
  socket.on('end', onEnd).on('close', onEnd)
  let isReset = false
  socket.on('error', () => (isReset = true))
  await once(socket, 'connect')
  for (const [index, turn] of turns.entries()) {
    const isItsTurn = () => !waits || ended || heardOf(text).answers.length >= index
    while (!isItsTurn()) await new Promise<void>((resolve) => (heard = resolve))
    for (const piece of turn) {
      if (!ended) socket.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  if (!socket.closed) {
    socket.end()
    await once(socket, 'close')
  }
  return { ...heardOf(text), isReset }
}

/** Field names in small letters, in order of the alphabet; without dates and `100 Continue`. */
function heardOf(text: string): Omit<Heard, 'isReset'> {
  const answers: string[] = []
  let rest = text
  for (;;) {
    const headTo = rest.indexOf('\r\n\r\n')
    if (headTo === -1) return { answers, rest }
    const [status, ...lines] = rest.slice(0, headTo).split('\r\n')
    const told = lines.filter((line) => !/^date:/i.test(line))
    const fields = told.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())).toSorted()
    const bodyFrom = headTo + 4
    const bodyTo = bodyFrom + Number(/^content-length: (\d+)$/m.exec(fields.join('\n'))?.[1] ?? 0)
    if (status !== 'HTTP/1.1 100 Continue')
      answers.push([status, ...fields, rest.slice(bodyFrom, bodyTo)].join('\n'))
    rest = rest.slice(bodyTo)
  }
}

/** What a side made of it: answers, refusals for the log, and the events, whose order between connections is open. */
async function outcome(rig: Rig, connections: readonly (readonly Turn[])[], waits: boolean) {
  rig.delivered.length = rig.deadLetters.length = rig.refused.length = rig.closed.length = 0
  const heard = await Promise.all(connections.map(async (turns) => converse(rig, turns, waits)))
  await rig.settled()
  return {
    heard: waits ? heard : heard.map(withoutTiming),
    taken: [...rig.delivered].toSorted(),
    notTaken: rig.deadLetters.map((letter) => JSON.parse(letter).record as string).toSorted(),
    refused: rig.refused
      .map(({ status, reason }) => `${status} ${reason}`)
      .filter((refusal) => waits || !/Bad Request|Too Large/.test(refusal))
      .toSorted(),
    closed: rig.closed.map(({ reason }) => reason).toSorted(),
  }
}

/**
 * What is no HTTP and comes behind a request is answered, or, where that one was not answered yet, the connection ends with
 * that answer. To the front it always comes behind the answer.
 */
function withoutTiming({ answers, rest, isReset }: Heard): Heard {
  const to = answers.findIndex(isOfProtocol)
  const told = to === -1 ? answers : answers.slice(0, to)
  return {
    answers: told.map((answer) => answer.replaceAll(/^(?:connection|keep-alive): .*\n/gm, '')),
    rest: to === -1 ? rest : '',
    isReset,
  }
}

function isOfProtocol(answer: string): boolean {
  if (answer.includes('"accepted"')) return false
  return /"error":"this is not HTTP|^HTTP\/1.1 431|\ntransfer-encoding: chunked/.test(answer)
}

const config = { maxRequests: 1000 }
const front = await Rig.start({ config })
const nodeHttp = await Rig.start({ config, nodeHttp: true })
await Promise.all([front.warm(), nodeHttp.warm()])

async function bothSay(connections: readonly (readonly Turn[])[], waits: boolean) {
  const [found, wanted] = await Promise.all([
    outcome(front, connections, waits),
    outcome(nodeHttp, connections, waits),
  ])
  for (const [index, heard] of found.heard.entries()) {
    if (!heard.isReset && !wanted.heard[index]!.isReset) continue
    found.heard[index] = wanted.heard[index] = { answers: [], rest: '', isReset: true }
  }
  return { found, wanted }
}

const post = (fields: string, body: string, start = 'POST / HTTP/1.1') =>
  `${start}\r\n${fields.replace(/\r?\n/g, '\r\n')}\r\n\r\n${body}`

/** Each hides a request in what another parser could take for a body, or the other way round. */
const VECTORS: Record<string, string> = {
  'CL.TE': post('Host: x\nContent-Length: 6\nTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`),
  'TE.CL': post('Host: x\nTransfer-Encoding: chunked\nContent-Length: 4', `5c\r\n${HIDDEN}\r\n0\r\n\r\n`),
  'TE.TE': post(
    'Host: x\nTransfer-Encoding: chunked\nTransfer-Encoding: x\nContent-Length: 4',
    `0\r\n\r\n${HIDDEN}`,
  ),
  'TE.TE, a blank before the colon': post(
    'Host: x\nContent-Length: 4\nTransfer-Encoding : chunked',
    `0\r\n\r\n${HIDDEN}`,
  ),
  'TE with a vertical tab': post(
    'Host: x\nContent-Length: 4\nTransfer-Encoding: \x0bchunked',
    `0\r\n\r\n${HIDDEN}`,
  ),
  'TE in a list': post('Host: x\nTransfer-Encoding: gzip, chunked', `0\r\n\r\n${HIDDEN}`),
  'TE that is not chunked': post('Host: x\nTransfer-Encoding: xchunked', `0\r\n\r\n${HIDDEN}`),
  'chunked twice': post('Host: x\nTransfer-Encoding: chunked, chunked', `0\r\n\r\n${HIDDEN}`),
  'chunked in HTTP/1.0': post('Host: x\nTransfer-Encoding: chunked', `0\r\n\r\n${HIDDEN}`, 'POST / HTTP/1.0'),
  'a blank before a colon': post('Host: x\nContent-Length : 0', HIDDEN),
  'a continued line': post('Host: x\nX: a\n Content-Length: 0\nContent-Length: 5', `aaaaa${HIDDEN}`),
  'a continued length': post('Host: x\nContent-Length: 5\n 0', `aaaaa${HIDDEN}`),
  'a length with a line feed before it': post('Host: x\nX: a\\nContent-Length: 0', HIDDEN).replace(
    '\\n',
    '\n',
  ),
  'a length with a carriage return before it': post('Host: x\nX: a\\rContent-Length: 0', HIDDEN).replace(
    '\\r',
    '\r',
  ),
  'NUL in a name': post('Host: x\nContent-Length\0: 5\nContent-Length: 0', HIDDEN),
  'NUL in a value': post('Host: x\nContent-Length: 0\0', HIDDEN),
  'two lengths, the same': post('Host: x\nContent-Length: 0\nContent-Length: 0', HIDDEN),
  'two lengths': post('Host: x\nContent-Length: 0\nContent-Length: 5', HIDDEN),
  'a length twice in one': post('Host: x\nContent-Length: 0, 0', HIDDEN),
  'an empty line before': `\r\n\r\n${post('Host: x\nContent-Length: 0', '')}`,
  'absolute-form': post('Host: x\nContent-Length: 7', '{"a":1}', 'POST http://y/ HTTP/1.1'),
  'absolute-form, elsewhere': post('Host: x\nContent-Length: 7', '{"a":1}', 'POST http://y/z HTTP/1.1'),
  'an upgrade': post('Host: x\nConnection: upgrade\nUpgrade: h2c\nContent-Length: 0', HIDDEN),
  PRI: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  CONNECT: post('Host: x', HIDDEN, 'CONNECT x:1 HTTP/1.1'),
  'HTTP/0.9': 'POST /\r\n',
  'HTTP/1.0': post('Content-Length: 7', '{"a":1}', 'POST / HTTP/1.0'),
  'HTTP/1.10': post('Host: x\nContent-Length: 0', HIDDEN, 'POST / HTTP/1.10'),
  'no line ends': post('Host: x\nContent-Length: 0', '').replaceAll('\r\n', '\n'),
  'no carriage returns in the end': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\n\n',
  'GET with a body': post('Host: x\nContent-Length: 7', '{"a":1}', 'GET / HTTP/1.1'),
  'no host': post('Content-Length: 7', '{"a":1}'),
  'two hosts': post('Host: x\nHost: y\nContent-Length: 7', '{"a":1}'),
  'a host that is none': post('Host: a b,c\nContent-Length: 7', '{"a":1}'),
  'a colon first': post('Host: x\n: a\nContent-Length: 7', '{"a":1}'),
  'Connection: close': post('Host: x\nConnection: close\nContent-Length: 7', `{"a":1}${HIDDEN}`),
  TLS: '\x16\x03\x01\x02\x00\x01\x00',
}
for (const length of [
  '+5',
  '-5',
  '5 5',
  '5, 5',
  '0x5',
  '05',
  '5.0',
  '5e0',
  '',
  '٥',
  '5;',
  '99999999999999999999',
  '18446744073709551621',
]) {
  VECTORS[`Content-Length: ${length}`] = post(`Host: x\nContent-Length: ${length}`, `{"a":${HIDDEN}`)
}
for (const length of [' 7', '\t7', '7 ', '7\t', '  7  ', '007']) {
  VECTORS[`Content-Length:${length}`] = post(`Host: x\nContent-Length:${length}`, '{"a":1}')
}

/** Of these the second one is in the open. */
const TWO_REQUESTS: ReadonlySet<string> = new Set(['TE in a list', 'Content-Length: 05'])

t.test('smuggling', async (t) => {
  for (const [what, text] of Object.entries(VECTORS)) {
    const bytes = Buffer.from(text, 'latin1')
    const before = Buffer.from(post('Host: x\nContent-Length: 7', '{"b":1}'))
    const { found, wanted } = await bothSay([[[bytes]], [[before], [bytes]]], true)
    t.strictSame(found, wanted, what)
    // While a request is not answered, node:http drops it for a CONNECT behind it.
    if (what === 'CONNECT') continue
    const atOnce = await bothSay([[[before, bytes]], [[Buffer.concat([before, bytes])]]], false)
    t.strictSame(atOnce.found, atOnce.wanted, `${what}, not waiting for an answer`)
    t.equal(found.taken.includes(SMUGGLED), TWO_REQUESTS.has(what), `${what}: how many requests it is`)
  }
})

t.test('the front is what answers what is plain', async (t) => {
  const client = await RawClient.connect(front.port)
  let raw = ''
  client.socket.on('data', (text: string) => (raw += text))
  for (let i = 0; i < 3; i++) {
    client.send(`${head(7)}{"a":1}`)
    await client.answer()
  }
  // It writes field names in small letters, node:http those that are its own with capitals.
  t.equal(raw.match(/^connection: keep-alive/gm)?.length, 3)
  client.send(`${head(7, { 'Content-Encoding': 'identity' })}{"a":1}`)
  await client.answer()
  client.send(`${head(7)}{"a":1}`)
  await client.answer()
  t.equal(raw.match(/^Connection: keep-alive/gm)?.length, 2, 'from the first odd one on it is node:http')
  client.destroy()
})

const bodies = fc.oneof(
  fc.constantFrom(
    '',
    '{"a":1}',
    '{"a":1}\n',
    '{"a":1}\n{"b":2}',
    '[{"a":1},{"a":2}]',
    '{"logs":[{"a":1}]}',
    '{"a":',
    '[1',
    '\n',
  ),
  fc.integer({ min: 1, max: 300 }).map((count) => `{"n":${count}}\n`.repeat(count)),
)
const types = fc.constantFrom('application/x-ndjson', 'application/json', 'text/plain', null)
const oddFields = fc.constantFrom(
  'Accept: */*',
  'X-A: b',
  'X-A:',
  'X-Long: ' + 'y'.repeat(3000),
  'X-Longer: ' + 'y'.repeat(9000),
  'Cookie: a=b; c=d',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: x',
  'Expect: 100-continue',
  'Expect: x',
  'TE: trailers',
  'Trailer: X',
  'Via: 1.1 x',
  'Host: y',
  'Content-Length: 1',
  'Content-Type: application/json',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'X : y',
  ' folded',
  'bad',
  'X: \xff',
  'X: \0',
  'X\0: a',
  'Content-Encoding: identity',
  'Content-Encoding: br',
  'Keep-Alive: 5',
)
const starts = fc.oneof(
  { weight: 8, arbitrary: fc.constant('POST / HTTP/1.1') },
  fc.constantFrom(
    'POST /?a HTTP/1.1',
    'POST /x HTTP/1.1',
    'PUT / HTTP/1.1',
    'GET / HTTP/1.1',
    'POST / HTTP/1.0',
    'POST http://x/ HTTP/1.1',
    'POST  / HTTP/1.1',
    'post / HTTP/1.1',
  ),
)

function seldom<T>(value: T, otherwise: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(otherwise) }, fc.constant(value))
}

/** `off`: how much longer the body is said to be than it is; `hostless`: the head has no Host. */
const request = (off: fc.Arbitrary<number>, hostless: fc.Arbitrary<boolean>) =>
  fc
    .record({
      start: starts,
      body: bodies,
      type: types,
      fields: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(oddFields, { maxLength: 3 })),
      off,
      hostless,
      lineEnd: fc.oneof({ weight: 20, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r')),
      before: fc.oneof({ weight: 15, arbitrary: fc.constant('') }, fc.constantFrom('\r\n', '\n', ' ')),
    })
    .map((made) => {
      const lines = [
        made.start,
        ...(made.hostless ? [] : ['Host: x']),
        `Content-Length: ${Math.max(0, made.body.length + made.off)}`,
        ...(made.type === null ? [] : [`Content-Type: ${made.type}`]),
        ...made.fields,
      ]
      return `${made.before}${lines.join(made.lineEnd)}${made.lineEnd}${made.lineEnd}${made.body}`
    })

const anywhere = fc.array(fc.nat(), { maxLength: 4 })

function cutAt(bytes: Buffer, cuts: readonly number[]): Turn {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return at.slice(1).map((to, index) => bytes.subarray(at[index], to))
}

const whole = fc
  .tuple(request(fc.constant(0), seldom(true, false)), anywhere)
  .map(([text, cuts]) => cutAt(Buffer.from(text, 'latin1'), cuts))

/**
 * Requests on one connection, all at once. All have a Host: what lacks it node:http answers by itself, and closes with the rest
 * unread, which it may read before, or not.
 */
const mangled = fc
  .record({
    requests: fc.array(
      request(
        seldom(true, false).chain((is) => (is ? fc.integer({ min: -3, max: 3 }) : fc.constant(0))),
        fc.constant(false),
      ),
      { minLength: 1, maxLength: 4 },
    ),
    cuts: anywhere,
    /** One byte is another. */
    flip: fc.option(fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }), { freq: 4 }),
    /** Not all of it is sent. */
    short: fc.option(fc.nat(), { freq: 6 }),
  })
  .map(({ requests, cuts, flip, short }): readonly Turn[] => {
    const text = requests.join('')
    const bytes = Buffer.from(text, 'latin1')
    const at = flip === null ? 0 : flip.at % bytes.length
    if (flip !== null && !text.slice(Math.max(0, at - 8), at + 8).includes('Host')) bytes[at] = flip.to
    return [cutAt(short === null ? bytes : bytes.subarray(0, short % bytes.length), cuts)]
  })

async function areAlike(connection: fc.Arbitrary<readonly Turn[]>, waits: boolean): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(connection, { minLength: 20, maxLength: 20 }), async (connections) => {
      const { found, wanted } = await bothSay(connections, waits)
      for (const [index, turns] of connections.entries()) {
        const sent = turns.map((pieces) => pieces.map((piece) => piece.toString('latin1')))
        assert.deepStrictEqual({ sent, ...found.heard[index] }, { sent, ...wanted.heard[index] })
      }
      assert.deepStrictEqual(found, wanted)
    }),
    // Not shrunk: what differs names its connection.
    {
      seed,
      numRuns: Number(process.env.SPILLWAY_FRONT_RUNS ?? 4),
      endOnFailure: true,
      includeErrorInReport: true,
    },
  )
}

t.test('any requests, well-formed or not, cut anywhere', async () => {
  await areAlike(fc.array(whole, { minLength: 1, maxLength: 4 }), true)
})

t.test('any requests, mangled, all at once', async () => {
  await areAlike(mangled, false)
})

t.test('a connection of each cut at every byte', async (t) => {
  const text = [
    head(8, { 'Content-Type': 'application/x-ndjson' }) + '{"a":1}\n',
    head(0),
    head(null) + '7\r\n{"a":2}\r\n0\r\n\r\n',
    head(7) + '{"a":3}',
  ].join('')
  const bytes = Buffer.from(text)
  const connections = Array.from(bytes, (_, at) => [[bytes.subarray(0, at), bytes.subarray(at)]])
  for (let from = 0; from < connections.length; from += 80) {
    const { found, wanted } = await bothSay(connections.slice(from, from + 80), false)
    t.strictSame(found, wanted)
  }
})

t.test('nothing is left', async (t) => {
  for (const rig of [front, nodeHttp]) {
    t.strictSame(rig.ledger.imbalances(), [])
    t.strictSame(await rig.stop(), NOTHING_LEFT)
  }
})
