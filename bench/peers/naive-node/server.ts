/**
 * What one writes first: one thread, strings, `JSON.parse`, undici. The line is passed on as it came, which is the cheaper way.
 *
 *     node server.ts tcp|http|syslog PORT URL
 */
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { Agent, request } from 'undici'

const BATCH_CHARACTERS = 512 * 1024
const WAITING_MAX = 4 * BATCH_CHARACTERS
const REQUESTS_MAX = 4
const LINGER_MS = 20
const TRIES = 3
const DATE = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
const RFC_5424 = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[[^\]]*\])+) ?(.*)$/s
/** Of emergency to debug. */
const SEVERITIES = [10, 9, 8, 7, 5, 3, 2, 1]

type Fields = Partial<Record<string, unknown>>

const [way, port, url] = process.argv.slice(2)
const dispatcher = new Agent({ connections: REQUESTS_MAX, pipelining: 1 })

let waiting: string[] = []
let waitingCharacters = 0
let requests = 0
let lingering = false
let held: (() => void)[] = []
let rejected = 0

/** What is posted for a line; null: nothing. */
type Reader = (line: string, peer: string) => string | null

const readEvent: Reader = (line) => {
  try {
    return isEvent(JSON.parse(line)) ? line : null
  } catch {
    return null
  }
}

function isEvent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { timestamp, source_ip: sourceIp, event_type: type, severity, raw_payload: raw } = value as Fields
  if (typeof timestamp !== 'string' || !DATE.test(timestamp)) return false
  if (typeof sourceIp !== 'string' || typeof type !== 'string') return false
  if (typeof severity !== 'number' || !Number.isInteger(severity) || severity < 0 || severity > 10)
    return false
  return raw === undefined || (typeof raw === 'object' && !Array.isArray(raw))
}

/** The event that Spillway makes of it, its structured data apart. */
const readMessage: Reader = (line, peer) => {
  const [, priority, timestamp, hostname, app, process_, message_, , text] = RFC_5424.exec(line) ?? []
  if (priority === undefined || !DATE.test(timestamp!)) return null
  return JSON.stringify({
    timestamp: new Date(timestamp!).toISOString(),
    source_ip: peer,
    event_type: app,
    severity: SEVERITIES[Number(priority) & 7],
    raw_payload: {
      facility: Number(priority) >> 3,
      severity: Number(priority) & 7,
      hostname,
      app_name: app,
      proc_id: process_,
      msg_id: message_,
      message: text,
    },
  })
}

const read = way === 'syslog' ? readMessage : readEvent

function take(lines: readonly string[], peer: string): number {
  let accepted = 0
  for (const line of lines) {
    if (line === '') continue
    const event = read(line, peer)
    if (event === null) rejected++
    else {
      accepted++
      waiting.push(event)
      waitingCharacters += event.length + 1
      if (waitingCharacters >= BATCH_CHARACTERS) void post()
    }
  }
  if (!lingering && waiting.length > 0) {
    lingering = true
    setTimeout(() => {
      lingering = false
      void post()
    }, LINGER_MS)
  }
  return accepted
}

async function post(): Promise<void> {
  if (requests === REQUESTS_MAX || waiting.length === 0) return
  const body = `${waiting.join('\n')}\n`
  waiting = []
  waitingCharacters = 0
  requests++
  await send(body)
  requests--
  void post()
  for (const goOn of held.splice(0)) goOn()
}

async function send(body: string): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson' }
  for (let tries = 0; tries < TRIES; tries++) {
    /* oxlint-disable no-await-in-loop -- one try after another */
    try {
      const response = await request(url!, { method: 'POST', headers, body, dispatcher })
      await response.body.dump()
      if (response.statusCode < 300) return
    } catch {
      // As good as refused.
    }
    /* oxlint-enable no-await-in-loop */
  }
}

function whenThereIsRoom(goOn: () => void): void {
  if (waitingCharacters < WAITING_MAX) goOn()
  else held.push(goOn)
}

function readLines(socket: Socket): void {
  const peer = socket.remoteAddress ?? ''
  let tail = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (tail + text).split('\n')
    tail = lines.pop()!
    take(lines, peer)
    if (waitingCharacters < WAITING_MAX) return
    socket.pause()
    whenThereIsRoom(() => socket.resume())
  })
  socket.on('error', () => socket.destroy())
}

const bodies = createHttpServer((incoming, response) => {
  let text = ''
  incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  incoming.once('end', () => {
    const before = rejected
    const accepted = take(text.split('\n'), '')
    const answer = JSON.stringify({ accepted, rejected: rejected - before })
    whenThereIsRoom(() => response.writeHead(200, { 'content-type': 'application/json' }).end(answer))
  })
})

const server = way === 'http' ? bodies : createServer(readLines)
server.listen(Number(port), '127.0.0.1')
