/**
 * The floor: reads, cuts at a newline, posts the same bytes. No event is looked at, kept or counted.
 *
 *     node relay.ts tcp|http|syslog PORT URL
 */
import { Agent, createServer as createHttpServer, request } from 'node:http'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'

const NEWLINE = 0x0a
const BATCH_BYTES = 512 * 1024
const WAITING_MAX_BYTES = 4 * BATCH_BYTES
const REQUESTS_MAX = 4
/** What is not yet a batch waits so long. */
const LINGER_MS = 20

const [way, port, url] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: REQUESTS_MAX })

let waiting: Buffer[] = []
let waitingBytes = 0
let requests = 0
let lingering = false
/** Those that go on once there is room. */
let held: (() => void)[] = []

function take(chunks: readonly Buffer[]): void {
  for (const chunk of chunks) {
    waiting.push(chunk)
    waitingBytes += chunk.length
  }
  if (waitingBytes >= BATCH_BYTES) post()
  else if (!lingering && waitingBytes > 0) {
    lingering = true
    setTimeout(() => {
      lingering = false
      post()
    }, LINGER_MS)
  }
}

function post(): void {
  if (requests === REQUESTS_MAX || waitingBytes === 0) return
  const body = waiting
  const headers = { 'content-type': 'application/x-ndjson', 'content-length': waitingBytes }
  waiting = []
  waitingBytes = 0
  requests++
  const outgoing = request(url!, { method: 'POST', agent, headers }, (response) => {
    response.resume().once('end', () => {
      requests--
      post()
      for (const goOn of held.splice(0)) goOn()
    })
  })
  outgoing.cork()
  for (const chunk of body) outgoing.write(chunk)
  outgoing.end()
}

function whenThereIsRoom(goOn: () => void): void {
  if (waitingBytes < WAITING_MAX_BYTES) goOn()
  else held.push(goOn)
}

function relayLines(socket: Socket): void {
  let tail: Buffer[] = []
  socket.on('data', (chunk) => {
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end === 0) {
      tail.push(chunk)
      return
    }
    take([...tail, chunk.subarray(0, end)])
    tail = end === chunk.length ? [] : [chunk.subarray(end)]
    if (waitingBytes < WAITING_MAX_BYTES) return
    socket.pause()
    whenThereIsRoom(() => socket.resume())
  })
  socket.on('error', () => socket.destroy())
}

const bodies = createHttpServer((incoming, response) => {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.once('end', () => {
    take(chunks)
    whenThereIsRoom(() => response.writeHead(200, { 'content-length': 0 }).end())
  })
})

const server = way === 'http' ? bodies : createServer(relayLines)
server.listen(Number(port), '127.0.0.1')
