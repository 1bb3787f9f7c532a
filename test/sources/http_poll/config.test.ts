import t from 'tap'
import { memorySum } from '../../../src/app/config/memory-sum.ts'
import { openFilesWanted } from '../../../src/app/open-files.ts'
import { POLL_BODY_IN_FLIGHT_BYTES, UNFINISHED_BLOCK_BYTES } from '../../../src/pipeline/limits.ts'
import { httpPollSourceKeys, recordsPath } from '../../../src/sources/http_poll/config.ts'
import type { HttpPollSourceConfig } from '../../../src/sources/http_poll/config.ts'
import { parse, problemsOf } from '../../app/config/fixtures/configs.ts'

const withKeys = (keys: string, urls = '["https://api.example/logs"]'): string => `
sinks: { out: { type: blackhole } }
sources:
  pull: { type: http_poll, urls: ${urls}, ${keys} }
`
/** What is wrong, without its place in the file. */
const problems = (keys: string, urls?: string): string[] =>
  problemsOf(withKeys(keys, urls)).map((line) => line.replace(/^c\.yaml:\d+:\d+: sources\.pull\./, ''))

t.test('the defaults', async (t) => {
  const [source] = parse(withKeys('')).config.sources as HttpPollSourceConfig[]
  t.match(source, {
    urls: ['https://api.example/logs'],
    intervalMs: 60_000,
    records: 'logs',
    concurrency: 4,
    method: 'GET',
    request: { timeoutMs: 15_000, connectTimeoutMs: 5000 },
    retry: { attempts: 3, initialMs: 1000, maxMs: 30_000, jitter: 'full' },
  })
  t.ok(source!.maxResponseBytes >= 2 ** 30)
  t.ok(Object.hasOwn(httpPollSourceKeys.properties, 'pagination'))
})

t.test('records', async (t) => {
  t.same(recordsPath('none'), [])
  t.same(recordsPath('logs'), ['logs'])
  t.same(recordsPath('data.items'), ['data.items'], 'a dot is a character like any other')
  t.same(recordsPath('/data/items'), ['data', 'items'])
  t.same(recordsPath('/none'), ['none'])
  t.same(recordsPath('/a~1b/~0c'), ['a/b', '~c'])
  for (const records of ['/a/b/c/d/e/f/g', 'a b', 'größe', 'a/b', '"/~0"']) {
    t.same(problems(`records: ${records}`), [], records)
  }
  for (const records of [
    '/',
    '/a//b',
    '/a~2',
    '/a/b/c/d/e/f/g/h',
    `'a"b'`,
    String.raw`'a\b'`,
    '"a\\n"',
    '~',
  ]) {
    t.equal(problems(`records: ${records}`).length, 1, records)
  }
})

t.test('what is refused', async (t) => {
  t.match(problems('', '[]'), ['urls: expected a list of 1 to 256 values, found 0'])
  t.match(problems('', '["https://a:b@api.example/"]'), [/^urls\.0: expected an http:\/\/ or https:\/\/ URL/])
  t.match(problems('', '["https://a.example/", "https://a.example"]'), [/^urls\.1: expected each URL once/])
  t.match(problems('retry: { initial: 1m }'), ['retry.initial: expected at most retry.max, found 1m'])
  t.match(problems('headers: { accept-encoding: br }'), [/^headers\.accept-encoding: expected no header/])
  t.match(problems('auth: { bearer: x }, headers: { authorization: y }'), [/either auth or this header/])
  t.match(problems('tls: { verify: false }', '["http://a.example/"]'), [/^tls: expected an https:/])
  t.same(problems('tls: { verify: false }', '["http://a.example/", "https://a.example/"]'), [])
  t.match(problems('max_record_bytes: 1MiB'), [/^max_record_bytes: expected at most half/])
})

t.test('a query is not shown', async (t) => {
  const { shown } = parse(withKeys('', '["https://api.example/logs?key=s3cret"]'))
  t.notMatch(JSON.stringify(shown), 's3cret')
})

const cost = (keys: string) => {
  const { config } = parse(withKeys(keys))
  const { totalBytes } = memorySum(config)
  return { memoryBytes: totalBytes, openFiles: openFilesWanted(config) }
}

t.test('what it costs', async (t) => {
  const [four, five] = [cost('concurrency: 4'), cost('concurrency: 5')]
  t.equal(five.memoryBytes - four.memoryBytes, POLL_BODY_IN_FLIGHT_BYTES + UNFINISHED_BLOCK_BYTES)
  t.equal(five.openFiles - four.openFiles, 1)
})
