/** What an answer may be made of, and what becomes of it. */
import { gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { PolledServer, settled, startPollingAll, whole } from './fixtures/poll-rig.ts'
import type { Answer } from './fixtures/poll-rig.ts'

interface Case {
  readonly name: string
  readonly answer: Answer
  readonly keys?: string
  readonly events?: readonly string[]
  readonly rejected?: Record<string, number>
  /** How the poll ended. */
  readonly requests?: Record<string, number>
  readonly error?: RegExp
}

const NDJSON = { 'content-type': 'application/x-ndjson; charset=utf-8' }
const OK: Record<string, number> = { ok: 1 }
const FAILED: Record<string, number> = { failed: 1 }
const two = ['{"a":1}', '{"b":2}']

const CASES: Case[] = [
  { name: 'an envelope', answer: whole('{"logs":[{"a":1},{"b":2}]}'), events: two },
  {
    name: 'an envelope with other keys',
    answer: whole('{"count":2,"logs":[{"a":1},{"b":2}],"next":{"cursor":"x"}}'),
    events: two,
  },
  { name: 'an array', answer: whole('[{"a":1},\n{"b":2}]'), events: two },
  { name: 'NDJSON', answer: whole('{"a":1}\n{"b":2}\n', NDJSON), events: two },
  { name: 'NDJSON without its last line feed', answer: whole('{"a":1}\n{"b":2}', NDJSON), events: two },
  { name: 'NDJSON, said to be JSON', answer: whole('{"a":1}\n{"b":2}\n'), events: two },
  {
    name: 'NDJSON of unknown type',
    answer: whole('{"a":1}\n{"b":2}\n', { 'content-type': 'text/plain' }),
    events: two,
  },
  {
    name: 'an envelope of unknown type',
    answer: whole('{"logs":[{"a":1},{"b":2}]}', { 'content-type': 'application/octet-stream' }),
    events: two,
  },
  {
    name: 'records: a pointer',
    keys: 'records: /data/items',
    answer: whole('{"ok":true,"data":{"total":2,"items":[{"a":1},{"b":2}],"page":1},"took":3}'),
    events: two,
  },
  {
    name: 'records: none',
    keys: 'records: none',
    answer: whole('{"logs":[]}[{"a":1}]'),
    events: ['{"logs":[]}', '{"a":1}'],
  },
  { name: 'one event', answer: whole('{"a":1}'), events: ['{"a":1}'] },
  {
    name: 'an error page is an event that the schema refuses',
    keys: 'schema: soc',
    answer: whole('{"error":"no"}'),
    rejected: { schema_violation: 1 },
  },
  { name: 'nothing', answer: whole('') },
  { name: '204', answer: whole('', {}, 204) },
  { name: '304', answer: whole('', {}, 304) },
  { name: 'gzip', answer: whole(gzipSync('[{"a":1},{"b":2}]'), { 'content-encoding': 'gzip' }), events: two },
  {
    name: 'zstd',
    answer: whole(zstdCompressSync('{"a":1}\n{"b":2}\n'), { 'content-encoding': 'zstd', ...NDJSON }),
    events: two,
  },
  {
    name: 'HTML',
    answer: whole('<!doctype html>\n<title>Sign in</title>', { 'content-type': 'text/html' }),
    rejected: { bad_framing: 1 },
    requests: FAILED,
    error: /^the answer is no sequence of JSON values/,
  },
  {
    name: 'broken JSON',
    answer: whole('{"logs":[{"a":1},{"b":}]}'),
    events: ['{"a":1}'],
    rejected: { bad_framing: 1 },
    requests: FAILED,
    error: /no sequence of JSON values/,
  },
  {
    name: 'another coding',
    answer: whole('x', { 'content-encoding': 'br' }),
    requests: FAILED,
    error: /^the answer has the content-encoding br, which is not known here/,
  },
  {
    name: 'not what its coding says',
    answer: whole('[{"a":1}]', { 'content-encoding': 'gzip' }),
    requests: { retry: 2, failed: 1 },
    error: /is not what its content-encoding says/,
  },
  {
    name: 'too long, and it says so',
    keys: 'max_response_bytes: 1KiB',
    answer: whole(`[${'{"a":1},'.repeat(200)}{}]`),
    requests: FAILED,
    error: /longer than max_response_bytes, 1KiB/,
  },
  {
    name: 'too long, unsaid',
    keys: 'max_response_bytes: 1KiB',
    answer: (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.write('{"a":1}\n'.repeat(100))
      setTimeout(() => response.end('{"a":1}\n'.repeat(100)), 50)
    },
    events: Array.from({ length: 100 }, () => '{"a":1}'),
    requests: FAILED,
    error: /longer than max_response_bytes, 1KiB/,
  },
  {
    name: 'a bomb',
    keys: 'max_inflated_bytes: 64KiB',
    answer: whole(gzipSync(' '.repeat(1 << 24)), { 'content-encoding': 'gzip' }),
    requests: FAILED,
    error: /inflates to more than max_inflated_bytes/,
  },
  { name: '404', answer: whole('{"a":1}', {}, 404), requests: FAILED, error: /^HTTP 404$/ },
  { name: '401', answer: whole('{"a":1}', {}, 401), requests: FAILED, error: /^HTTP 401$/ },
  { name: '500', answer: whole('x', {}, 500), requests: { retry: 2, failed: 1 }, error: /^HTTP 500$/ },
  {
    name: '503 without Retry-After',
    answer: whole('', {}, 503),
    requests: { retry: 2, failed: 1 },
    error: /^HTTP 503$/,
  },
  {
    name: 'an endless error page is not read',
    answer: (response) => {
      response.writeHead(403)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', more)
      more()
    },
    requests: FAILED,
    error: /^HTTP 403$/,
  },
  {
    name: 'a second request that goes well',
    answer: (response, request, count) =>
      (count === 1 ? whole('', {}, 502) : whole('[{"a":1},{"b":2}]'))(response, request, count),
    events: two,
    requests: { retry: 1, ok: 1 },
  },
]

const paths = CASES.map((_, index) => `/${index}`)
const server = await PolledServer.start(
  t,
  Object.fromEntries(CASES.map(({ answer }, index) => [paths[index]!, answer])),
)
const rigs = await startPollingAll(
  t,
  CASES.map(({ keys = '' }, index) => ({ urls: [server.origin + paths[index]!], keys })),
)

for (const [index, { name, events = [], rejected = {}, requests = OK, error }] of CASES.entries()) {
  t.test(name, async (t) => {
    const rig = rigs[index]!
    await settled(rig)
    const received = await rig.receiver.received(events.length)
    t.same(
      received.map((line) => line.trim()),
      events,
    )
    t.same(await rig.rejected(), rejected)
    t.same(await rig.requests(), requests)
    t.equal(await rig.failedPolls(), requests.failed ?? 0)
    if (error === undefined) t.same(rig.lastErrors(), [null])
    else t.match(rig.lastErrors()[0], error)
  })
}

t.test('what every request says', async (t) => {
  for (const { headers } of server.requests) {
    t.match(headers, {
      'user-agent': /^spillway\//,
      'accept-encoding': 'gzip, zstd',
      accept: /^application\/json/,
    })
  }
})
