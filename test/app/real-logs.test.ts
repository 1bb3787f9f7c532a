import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import type { Collector } from '../../src/app/collector.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'

const vectors = process.env.SPILLWAY_VECTORS
const skip = vectors === undefined && 'SPILLWAY_VECTORS is not set'

/** Published logs of many vendors: their file, and each event as an object; `lines` where a line is an event. */
interface LogFile {
  readonly name: string
  readonly text: string
  readonly events: unknown[]
  readonly lines: string[] | null
}

function logFiles(): LogFile[] {
  const folder = join(vectors!, 'events-json')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(json|jsonl|ndjson)$/.test(name))
    .map((name) => readLogFile(name, readFileSync(join(folder, name), 'utf8')))
}

function readLogFile(name: string, text: string): LogFile {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const whole = parsed(text)
  if (whole !== undefined && !(lines.length === 1 && !Array.isArray(whole))) {
    return { name, text, events: Array.isArray(whole) ? whole : [whole], lines: null }
  }
  const events = lines.map(parsed)
  if (!events.includes(undefined)) return { name, text, events, lines }
  // Pretty-printed documents one after another.
  const documents = text.split(/(?<=^\})\s*$/m).filter((document) => document.trim() !== '')
  return { name, text, events: documents.map((document) => JSON.parse(document) as unknown), lines: null }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function archived(directory: string): string[] {
  const folder = join(directory, 'archive')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .toSorted()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
}

const config = `
data_dir: ./data
sources:
  push: { type: http, listen: 127.0.0.1:0, schema: any }
  lines: { type: tcp, listen: 127.0.0.1:0, schema: any }
sinks: { archive: { type: file, path: ./archive, batch: { max_age: 10ms } } }`

async function post(collector: Collector, body: string, contentType: string) {
  const answer = await request(`http://${collector.address('push')}/`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
  })
  return {
    status: answer.statusCode,
    ...((await answer.body.json()) as { accepted: number; rejected: number }),
  }
}

t.test('every record of the published logs arrives once, by HTTP', { skip }, async (t) => {
  const directory = temporaryDirectory(t)
  const collector = await startCollector(t, config, { directory })
  const expected: unknown[] = []
  for (const file of logFiles()) {
    const types =
      file.lines === null ? ['application/json', 'text/plain'] : ['application/x-ndjson', 'text/plain']
    for (const type of types) {
      const answer = await post(collector, file.text, type)
      t.match(answer, { status: 200, accepted: file.events.length, rejected: 0 }, `${file.name} as ${type}`)
      expected.push(...file.events)
    }
  }
  t.ok(expected.length > 2000)
  await collector.stop()
  t.same(archived(directory).map(parsed), expected, 'the same events in the same order')
})

t.test('lines arrive byte for byte, by TCP', { skip }, async (t) => {
  const directory = temporaryDirectory(t)
  const collector = await startCollector(t, config, { directory })
  const lines = logFiles().flatMap((file) => file.lines ?? [])
  const port = Number(collector.address('lines').split(':')[1])
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(lines.join('\n')))
    socket.on('close', () => resolve()).on('error', reject)
    socket.resume()
  })
  while (collector.ledger.sources[1]!.received < lines.length) await new Promise(setImmediate)
  await collector.stop()
  t.same(archived(directory), lines)
})
