import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import t from 'tap'
import { NumberFinder, WAITING_BYTES } from '../../../bench/load/number-finder.ts'
import { PostReader } from '../../../bench/load/post-reader.ts'
import { startThread } from '../../../bench/load/sending-thread.ts'
import { FIRST_NUMBER, Tally } from '../../../bench/load/tally.ts'

const numbers = [1_000_000_000, 1_234_567_890, 1_999_999_999]
const text = [
  `{"seq":${numbers[0]},"q":"\\"seq","sequence":1}`,
  `{"raw_payload":{"message":"{\\"seq\\":${numbers[1]}}"}}`,
  `{"seq" :1}{"seq":${numbers[2]}}`,
].join('\n')

/** What a reader finds in requests that come in pieces of so many bytes, and what it answers. */
function read(requests: string, pieceBytes: number): { found: number[][]; answers: string } {
  const found: number[][] = []
  let answers = ''
  const write = (answer: string) => (answers += answer)
  const socket = { write, end: write, destroy: () => write('destroyed') } as unknown as Socket
  const finder = new NumberFinder()
  const reader = new PostReader(socket, finder, (target) => {
    found.push([target, ...finder.numbers.subarray(0, finder.count)])
    return 200
  })
  const bytes = Buffer.from(requests)
  const memory = Buffer.alloc(WAITING_BYTES + pieceBytes)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const length = bytes.copy(memory, WAITING_BYTES, at, at + pieceBytes)
    reader.take(memory, WAITING_BYTES, WAITING_BYTES + length)
  }
  return { found, answers }
}

const chunk = (part: string) => `${part.length.toString(16)}\r\n${part}\r\n`

t.test('numbers are found once, however a body is cut and framed', async (t) => {
  const half = text.length >> 1
  const requests =
    `POST / HTTP/1.1\r\nContent-Length: ${text.length}\r\n\r\n${text}` +
    `POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n` +
    `${chunk(text.slice(0, half))}${chunk(text.slice(half))}0\r\n\r\n` +
    `GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n`
  for (const pieceBytes of [1, 2, 3, 7, 16, 31, 64, 100, 10_000]) {
    const { found, answers } = read(requests, pieceBytes)
    const wanted = [[0, ...numbers], [1, ...numbers], [2]]
    t.strictSame(found, wanted, `pieces of ${pieceBytes}`)
    t.equal(answers.match(/ 200 /g)?.length, 3)
    t.match(answers, '100 Continue')
  }
})

t.test('a head without an end is not read for ever', async (t) => {
  t.match(read('x'.repeat(40_000), 1000).answers, 'destroyed')
})

t.test('a receiver that is gone takes nothing until it is back', async (t) => {
  const tally = Tally.create(3)
  const other = tally.forAnother()
  const outage = { status: null, fromS: 0.05, toS: 0.2 }
  const task = { tally: tally.buffers, others: [other.buffers], outage, dead: false }
  const thread = startThread('receiver-thread.ts', task)
  t.teardown(() => thread.terminate())
  const [port]: number[] = await once(thread, 'message')
  const post = async (path: string, number: number) => {
    const body = `{"seq":${number}}`
    const socket = connect(port!, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `POST ${path} HTTP/1.1\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
  }
  const idle = connect(port!, '127.0.0.1')
  await once(idle, 'close')
  await post('/', FIRST_NUMBER)
  t.equal(tally.counts.unique, 0)
  while (tally.counts.unique === 0) await post('/', FIRST_NUMBER)
  tally.sending(0, Uint8Array.of(0, 1, 0), 1)
  for (const offset of [0, 1, 2, 3]) await post('/', FIRST_NUMBER + offset)
  await post('/1', FIRST_NUMBER)
  t.match(tally.counts, { unique: 2, duplicates: 1, malformedPassed: 1, foreign: 1 })
  t.match(other.counts, { unique: 1, duplicates: 0 })
  t.type(tally.shareReceivedAtMs(0), 'number')
  t.equal(tally.shareReceivedAtMs(1), null)
  t.equal(tally.latenciesMs(0).length, 2)
  t.equal(tally.latenciesMs(2).length, 0)
})
