/** What users get wrong, and every word of what they are told. */
import t from 'tap'
import { sinkTypes, sourceTypes } from '../../../src/app/config/components.ts'
import { oneOf } from '../../../src/base/config-keys.ts'
import { detailsOf, least, problemsOf, withSink, withSource } from './fixtures/configs.ts'

const listen = 'listen: 127.0.0.1:0'
const sourceType = oneOf(Object.keys(sourceTypes))
const sinkType = oneOf(Object.keys(sinkTypes))

const cases: { what: string; text: string; problems: string[] }[] = [
  {
    what: 'nothing at all',
    text: '',
    problems: ['c.yaml:1:1: expected a map, found nothing'],
  },
  {
    what: 'no YAML',
    text: 'sources: [',
    problems: [
      'c.yaml:1:11: expected YAML, found Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    what: 'two documents',
    text: `${least}---\n${least}`,
    problems: [
      'c.yaml:4:1: expected YAML, found Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
  },
  {
    what: 'neither sources nor sinks',
    text: 'data_dir: ./d\n',
    problems: [
      'c.yaml:1:1: sources: expected a map with at least one of the sources, found none',
      'c.yaml:1:1: sinks: expected a map with at least one of the sinks, found none',
    ],
  },
  {
    what: 'empty sources, sinks as a list',
    text: 'sources: {}\nsinks: []\n',
    problems: [
      'c.yaml:1:10: sources: expected a map with at least one of the sources, found none',
      'c.yaml:2:8: sinks: expected a map with at least one of the sinks, found none',
    ],
  },
  {
    what: 'unknown keys with the nearest known one, at every level',
    text: withSink('batch: { max_byte: 1KiB }, urll: x').replace('sources', 'dat_dir: x\nsources'),
    problems: [
      'c.yaml:1:1: dat_dir: expected one of the keys data_dir, workers, memory, cpu_pinning, journal, dlq, schemas, sources, sinks, shutdown_timeout, admin, found an unknown key; did you mean data_dir?',
      'c.yaml:4:61: sinks.out.batch.max_byte: expected one of the keys max_bytes, max_events, max_age, found an unknown key; did you mean max_bytes?',
      'c.yaml:4:79: sinks.out.urll: expected one of the keys type, inputs, where, batch, rate_limit, retry, breaker, order, from, lookahead_bytes, event_id_field, url, method, headers, auth, tls, encoding, compression, request, found an unknown key; did you mean url?',
    ],
  },
  {
    what: 'a key twice',
    text: withSink('method: POST, method: PUT'),
    problems: ['c.yaml:3:66: sinks.out.method: expected each key once, found it a second time'],
  },
  {
    what: 'values of the wrong kind',
    text: withSink(
      'batch: { max_bytes: big, max_events: many, max_age: 2 }, method: PSOT, tls: { verify: yes }, headers: [1]',
    ),
    problems: [
      'c.yaml:3:72: sinks.out.batch.max_bytes: expected a size from 1KiB to 16MiB, such as 512KiB, found "big"',
      'c.yaml:3:89: sinks.out.batch.max_events: expected a whole number from 1 to 1000000, found "many"',
      'c.yaml:3:104: sinks.out.batch.max_age: expected a time from 0ms to 1h, such as 500ms, found 2',
      'c.yaml:3:117: sinks.out.method: expected POST or PUT, found "PSOT"; did you mean POST?',
      'c.yaml:3:138: sinks.out.tls.verify: expected true or false, found "yes"',
      'c.yaml:3:154: sinks.out.headers: expected a map, found a list',
    ],
  },
  {
    what: 'values out of range',
    text: withSource(`${listen}, max_depth: 0, linger: 11s, max_body_bytes: 1B, max_requests: 1.5`),
    problems: [
      'c.yaml:3:53: sources.in.max_depth: expected a whole number from 1 to 1000, found 0',
      'c.yaml:3:64: sources.in.linger: expected a time from 0ms to 10s, such as 500ms, found "11s"',
      'c.yaml:3:85: sources.in.max_body_bytes: expected a size from 1KiB to 16GiB, such as 512KiB, found "1B"',
      'c.yaml:3:103: sources.in.max_requests: expected a whole number from 1 to 65536, found 1.5',
    ],
  },
  {
    what: 'missing keys',
    text: 'sources: { in: { type: http }, other: {}, third:, pull: { type: http_poll } }\nsinks: { out: { type: http }, f: { type: file } }\n',
    problems: [
      'c.yaml:1:16: sources.in.listen: expected an address and port, such as 127.0.0.1:8080 or [::1]:8080, found nothing',
      `c.yaml:1:39: sources.other.type: expected ${sourceType}, found nothing`,
      'c.yaml:1:49: sources.third: expected a map with a type, found nothing',
      'c.yaml:1:57: sources.pull.urls: expected a list of 1 to 256 values, found nothing',
      'c.yaml:2:15: sinks.out.url: expected an http:// or https:// URL without credentials, found nothing',
      'c.yaml:2:34: sinks.f.path: expected a path, found nothing',
    ],
  },
  {
    what: 'types that are none',
    text: 'sources: { in: { type: htp, listen: x } }\nsinks: { out: { type: 7 }, o: { type: toString } }\n',
    problems: [
      `c.yaml:1:24: sources.in.type: expected ${sourceType}, found "htp"; did you mean http?`,
      `c.yaml:2:23: sinks.out.type: expected ${sinkType}, found 7`,
      `c.yaml:2:39: sinks.o.type: expected ${sinkType}, found "toString"`,
    ],
  },
  {
    what: 'names that are none',
    text: `sources: { Push: { type: tcp, ${listen} }, dlq: { type: tcp, ${listen} }, ok: { type: tcp, ${listen} } }
sinks: { "a b": { type: blackhole }, out: { type: blackhole } }
schemas: { soc: { file: x.json } }
`,
    problems: [
      'c.yaml:1:12: sources.Push: expected a name of up to 63 of a-z, 0-9, _ and -, starting with a letter, found "Push"',
      'c.yaml:1:54: sources.dlq: expected a name of up to 63 of a-z, 0-9, _ and -, starting with a letter, found a name that is taken',
      'c.yaml:2:10: sinks."a b": expected a name of up to 63 of a-z, 0-9, _ and -, starting with a letter, found "a b"',
      'c.yaml:3:12: schemas.soc: expected a name of up to 63 of a-z, 0-9, _ and -, starting with a letter, found a name that is taken',
    ],
  },
  {
    what: '__proto__ and its like are names of nothing',
    text: `${least.replace('blackhole', 'blackhole, __proto__: { where: 1 }, constructor: 1')}__proto__: { workers: 9 }\ntoString: 1\n`,
    problems: [
      'c.yaml:3:34: sinks.out.__proto__: expected one of the keys type, inputs, where, batch, rate_limit, retry, breaker, order, from, lookahead_bytes, event_id_field, request, found an unknown key',
      'c.yaml:3:59: sinks.out.constructor: expected one of the keys type, inputs, where, batch, rate_limit, retry, breaker, order, from, lookahead_bytes, event_id_field, request, found an unknown key',
      'c.yaml:4:1: __proto__: expected one of the keys data_dir, workers, memory, cpu_pinning, journal, dlq, schemas, sources, sinks, shutdown_timeout, admin, found an unknown key',
      'c.yaml:5:1: toString: expected one of the keys data_dir, workers, memory, cpu_pinning, journal, dlq, schemas, sources, sinks, shutdown_timeout, admin, found an unknown key',
    ],
  },
  {
    what: 'a listener that others can reach',
    text: `${least.replace('127.0.0.1:0', '0.0.0.0:514')}admin: { listen: "[::]:9600" }\n`,
    problems: [
      'c.yaml:2:37: sources.in.listen: expected a loopback address, or insecure: true, found 0.0.0.0:514',
      'c.yaml:4:18: admin.listen: expected a loopback address, or insecure: true, found [::]:9600',
    ],
  },
  {
    what: 'an http listener that others can reach',
    text: withSource('listen: 10.0.0.1:80'),
    problems: [
      'c.yaml:3:29: sources.in.listen: expected a loopback address, or auth or insecure: true, found 10.0.0.1:80',
    ],
  },
  {
    what: 'one address twice',
    text: `sources:
  a: { type: tcp, listen: 127.0.0.1:9600 }
  b: { type: tcp, listen: 127.0.0.1:5000 }
  c: { type: http, listen: 0.0.0.0:5000, insecure: true }
sinks: { out: { type: blackhole } }
`,
    problems: [
      'c.yaml:2:27: sources.a.listen: expected an address of its own, not that of admin, found 127.0.0.1:9600',
      'c.yaml:4:28: sources.c.listen: expected an address of its own, not that of sources.b, found 0.0.0.0:5000',
    ],
  },
  {
    what: 'addresses that are none',
    text: withSource('listen: 8080').replace('type: blackhole', 'type: blackhole, request: 5'),
    problems: [
      'c.yaml:1:43: sinks.out.request: expected a map, found 5',
      'c.yaml:3:29: sources.in.listen: expected an address and port, such as 127.0.0.1:8080 or [::1]:8080, found 8080',
    ],
  },
  {
    what: 'schemas, sources and inputs that are unknown',
    text: `sources: { in: { type: tcp, ${listen}, schema: sco } }
sinks: { out: { type: blackhole, inputs: [in, im, in] } }
`,
    problems: [
      'c.yaml:1:58: sources.in.schema: expected one of the schemas soc, log_event, any, found sco; did you mean soc?',
      'c.yaml:2:47: sinks.out.inputs.1: expected one of the sources in, found im; did you mean in?',
      'c.yaml:2:51: sinks.out.inputs.2: expected each source once, found in',
    ],
  },
  {
    what: 'unknown names beside other mistakes',
    text: `sources: { in: { type: tcp, listen: 127.0.0.1:0, schema: sco, linger: soon } }
sinks: { out: { type: blackhole, inputs: [in, im], retry: { max: 0 } }, more: { type: blackhole, inputs: [[], im] } }
`,
    problems: [
      'c.yaml:1:58: sources.in.schema: expected one of the schemas soc, log_event, any, found sco; did you mean soc?',
      'c.yaml:1:71: sources.in.linger: expected a time from 0ms to 10s, such as 500ms, found "soon"',
      'c.yaml:2:47: sinks.out.inputs.1: expected one of the sources in, found im; did you mean in?',
      'c.yaml:2:66: sinks.out.retry.max: expected a time from 1ms to 24h, such as 500ms, found 0',
      'c.yaml:2:107: sinks.more.inputs.0: expected the name of a source, found a list',
    ],
  },
  {
    what: 'no inputs',
    text: withSink('inputs: []'),
    problems: ['c.yaml:3:60: sinks.out.inputs: expected a list of 1 to 64 values, found 0'],
  },
  {
    what: 'sizes against the slab',
    text: `memory: { slab_bytes: 256KiB }\n${withSink('batch: { max_bytes: 253KiB }')}`,
    problems: [
      'c.yaml:2:16: sources.in.max_record_bytes: expected at most half of memory.slab_bytes, 128KiB, found 512KiB, the default',
      'c.yaml:4:72: sinks.out.batch.max_bytes: expected at most memory.slab_bytes - 4KiB, 252KiB, found 253KiB',
    ],
  },
  {
    what: 'a slab that is no whole pages',
    text: `memory: { slab_bytes: 2000000 }\n${least}`,
    problems: ['c.yaml:1:23: memory.slab_bytes: expected a multiple of 4KiB, found 2MB'],
  },
  {
    what: 'an arena without room for the reserves',
    text: `memory: { arena_bytes: 9MiB }\n${least}`,
    problems: [
      'c.yaml:1:24: memory.arena_bytes: expected at least 12MiB, for the reserves of all sources and sinks and one worker, found 9MiB',
    ],
  },
  {
    what: 'more workers than the arena has reserves for',
    text: `memory: { arena_bytes: 16MiB }\nworkers: 6\n${least.replace('blackhole', 'blackhole, batch: { max_bytes: 100KiB }')}`,
    problems: [
      'c.yaml:2:10: workers: expected at most 3, or a memory.arena_bytes of at least 22MiB, found 6',
    ],
  },
  {
    what: 'a range of workers',
    text: `workers: { min: 1 }\n${least}`,
    problems: ['c.yaml:1:10: workers.max: expected a whole number from 1 to 256, found nothing'],
  },
  {
    what: 'a range of workers upside down, and beyond the arena',
    text: `memory: { arena_bytes: 16MiB }\nworkers: { min: 7, max: 6 }\n${least}`,
    problems: [
      'c.yaml:2:17: workers.min: expected at most workers.max, found 7',
      'c.yaml:2:25: workers.max: expected at most 3, or a memory.arena_bytes of at least 22MiB, found 6',
    ],
  },
  {
    what: 'workers that are none',
    text: `workers: many\n${least}`,
    problems: [
      'c.yaml:1:10: workers: expected a whole number from 1 to 256, or auto, or a map of min and max, found "many"',
    ],
  },
  {
    what: 'rate limits that limit nothing, or what they could not',
    text: `sources: { in: { type: tcp, ${listen} } }
sinks:
  a: { type: blackhole, rate_limit: { per: source, algorithm: leaky_bucket } }
  b: { type: blackhole, rate_limit: { requests_per_second: 5, algorithm: leaky_bucket, burst: 3 } }
  c: { type: blackhole, rate_limit: { bytes_per_day: 1GiB, per: { field: tenant } }, order: per_source }
  d: { type: blackhole, rate_limit: { per: sorce } }
  e: { type: blackhole, rate_limit: { per: { feld: a, max_keys: 100001 } } }
`,
    problems: [
      'c.yaml:3:44: sinks.a.rate_limit.per: expected requests_per_second, events_per_second, bytes_per_second or bytes_per_day beside it, for there is nothing to limit, found none',
      'c.yaml:3:63: sinks.a.rate_limit.algorithm: expected requests_per_second, events_per_second, bytes_per_second or bytes_per_day beside it, for there is nothing to limit, found none',
      'c.yaml:4:95: sinks.b.rate_limit.burst: expected algorithm: token_bucket beside it: a leaky bucket lets none go at once, found 3',
      'c.yaml:5:93: sinks.c.order: expected none beside rate_limit.per with a field: a value that waits for its limit is overtaken by the others of its source, found per_source',
      'c.yaml:6:44: sinks.d.rate_limit.per: expected sink or source, or a map of field and max_keys, found "sorce"; did you mean source?',
      'c.yaml:7:44: sinks.e.rate_limit.per.field: expected a top-level key or a JSON pointer, found nothing',
      'c.yaml:7:46: sinks.e.rate_limit.per.feld: expected one of the keys field, max_keys, found an unknown key; did you mean field?',
      'c.yaml:7:65: sinks.e.rate_limit.per.max_keys: expected a whole number from 1 to 100000, found 100001',
    ],
  },
  {
    what: 'breakers',
    text: withSink('breaker: { cooldown: 61s }').concat(
      '  b: { type: http, url: "http://x/", breaker: { probe: { path: health, method: PUT } } }\n',
      '  f: { type: file, path: x, breaker: { probe: {} } }\n',
    ),
    problems: [
      'c.yaml:3:73: sinks.out.breaker.cooldown: expected at most breaker.max_cooldown, found 61s',
      'c.yaml:4:64: sinks.b.breaker.probe.path: expected a path of printable ASCII that begins with /, such as /health, found "health"',
      'c.yaml:4:80: sinks.b.breaker.probe.method: expected GET, HEAD, OPTIONS or POST, found "PUT"',
      'c.yaml:5:40: sinks.f.breaker.probe: expected one of the keys failures, cooldown, max_cooldown, found an unknown key',
    ],
  },
  {
    what: 'a key for event ids that the events have',
    text: `sources: { in: { type: tcp, ${listen}, schema: log_event }, other: { type: tcp, ${listen} } }
sinks:
  a: { type: blackhole, event_id_field: event_id }
  b: { type: blackhole, event_id_field: event_id, inputs: [other] }
  c: { type: blackhole, event_id_field: 'a"b' }
`,
    problems: [
      'c.yaml:3:41: sinks.a.event_id_field: expected a key that no schema of its inputs declares; sources.in has it in schema log_event, found event_id',
      'c.yaml:5:41: sinks.c.event_id_field: expected a key of up to 128 characters, without quotes, backslashes and control characters, or none, found "a\\"b"',
    ],
  },
  {
    what: 'more in flight than the share of a sink',
    text: `workers: 1\n${withSink('request: { concurrency: 100 }')}`,
    problems: [
      "c.yaml:4:76: sinks.out.request.concurrency: expected request.concurrency x batch.max_bytes of at most 28MiB, the sink's share of memory.arena_bytes, found 100 x 512KiB = 50MiB",
    ],
  },
  {
    what: 'URLs that are none, without what they hide',
    text: withSink('x: 1').replace('https://siem.example/', 'ftp://me:hunter2@x/?key=hunter2'),
    problems: [
      'c.yaml:3:27: sinks.out.url: expected an http:// or https:// URL without credentials, found "ftp://(redacted)@x/?(redacted)"',
      'c.yaml:3:62: sinks.out.x: expected one of the keys type, inputs, where, batch, rate_limit, retry, breaker, order, from, lookahead_bytes, event_id_field, url, method, headers, auth, tls, encoding, compression, request, found an unknown key',
    ],
  },
  {
    what: 'headers that other keys make, that come twice, that are none',
    text: withSink(
      'headers: { Content-Length: "5", X-A: a, x-a: b, "no header": c, X-N: 5, X-L: "a\\nb", Authorization: d }, auth: { bearer: t }',
    ),
    problems: [
      'c.yaml:3:100: sinks.out.headers."no header": expected the name of a header, found "no header"',
      'c.yaml:3:121: sinks.out.headers.X-N: expected a text of printable ASCII, found 5',
      'c.yaml:3:129: sinks.out.headers.X-L: expected a text of printable ASCII, found "a\\nb"',
    ],
  },
  {
    what: 'headers that other keys make, that come twice',
    text: withSink(
      'headers: { Content-Length: "5", X-A: a, x-a: b, Authorization: d, Idempotency-Key: k }, auth: { bearer: t }',
    ),
    problems: [
      'c.yaml:3:79: sinks.out.headers.Content-Length: expected no header that each request sets itself, found the header Content-Length',
      'c.yaml:3:97: sinks.out.headers.x-a: expected each header once, found another x-a',
      'c.yaml:3:115: sinks.out.headers.Authorization: expected either auth or this header, found both',
      'c.yaml:3:135: sinks.out.headers.Idempotency-Key: expected no header that each request sets itself, found the header Idempotency-Key',
    ],
  },
  {
    what: 'both kinds of auth',
    text: withSink('auth: { bearer: t, basic: { username: u, password: p } }'),
    problems: ['c.yaml:3:58: sinks.out.auth: expected bearer or basic, found both'],
  },
  {
    what: 'no kind of auth',
    text: withSink('auth: {}'),
    problems: ['c.yaml:3:58: sinks.out.auth: expected bearer or basic, found neither'],
  },
  {
    what: 'auth that is written wrong is not shown',
    text: withSink('auth: hunter2').replace(
      'listen: 127.0.0.1:0',
      'listen: 127.0.0.1:0, auth: { bearer: hunter2 }',
    ),
    problems: [
      'c.yaml:1:50: sources.in.auth: expected one of the keys type, listen, insecure, max_connections, schema, ack, ack_timeout, max_record_bytes, max_depth, linger, record_timeout, idle_timeout, found an unknown key',
      'c.yaml:3:58: sinks.out.auth: expected a map, found (redacted)',
    ],
  },
  {
    what: 'a token that no header can carry is not shown',
    text: withSink('auth: { bearer: "hunter2 x" }'),
    problems: [
      'c.yaml:3:68: sinks.out.auth.bearer: expected a token of printable ASCII without blanks, found (redacted)',
    ],
  },
  {
    what: 'TLS files',
    text: withSink('tls: { ca: none.pem, cert: none.pem }'),
    problems: [
      'c.yaml:3:63: sinks.out.tls.ca: expected a readable file (ENOENT), found /base/none.pem',
      'c.yaml:3:79: sinks.out.tls.cert: expected the key of this certificate in tls.key, found none',
      'c.yaml:3:79: sinks.out.tls.cert: expected a readable file (ENOENT), found /base/none.pem',
    ],
  },
  {
    what: 'TLS keys beside an http URL',
    text: withSink('tls: { verify: false }').replace('https:', 'http:'),
    problems: ['c.yaml:3:56: sinks.out.tls: expected an https:// url beside it, found http://'],
  },
  {
    what: 'conditions',
    text: withSink('where: { a: { gt: true, in: [], like: x }, /a~2: { eq: 1 }, b: 5 }'),
    problems: [
      'c.yaml:3:70: sinks.out.where.a.gt: expected a number or a text, found true',
      'c.yaml:3:80: sinks.out.where.a.in: expected a list of 1 to 1000 values, found 0',
      'c.yaml:3:84: sinks.out.where.a.like: expected one of the keys eq, ne, in, gt, gte, lt, lte, exists, found an unknown key',
      'c.yaml:3:95: sinks.out.where."/a~2": expected a top-level key or a JSON pointer, found "/a~2"',
      'c.yaml:3:115: sinks.out.where.b: expected a map, found 5',
    ],
  },
  {
    what: 'conditions that no event could meet',
    text: withSink('where: { severity: { gte: 11, in: [1, high] }, a: {}, b: { exists: false, eq: 1 } }'),
    problems: [
      'c.yaml:3:78: sinks.out.where.severity.gte: expected a severity, which is a whole number from 0 to 10, found 11',
      'c.yaml:3:90: sinks.out.where.severity.in.1: expected a severity, which is a whole number from 0 to 10, found high',
      'c.yaml:3:102: sinks.out.where.a: expected at least one operator, found none',
      'c.yaml:3:109: sinks.out.where.b: expected no other operator beside exists: false, found more',
    ],
  },
  {
    what: 'limits and pauses that contradict each other',
    text: withSink('rate_limit: { burst: 5 }, retry: { initial: 1m }'),
    problems: [
      'c.yaml:3:73: sinks.out.rate_limit.burst: expected rate_limit.requests_per_second beside it, found none',
      'c.yaml:3:96: sinks.out.retry.initial: expected at most retry.max, found 1m',
    ],
  },
  {
    what: 'one archive for two sinks',
    text: least
      .replace('blackhole', 'file, path: a')
      .replace('sinks: {', 'sinks: { two: { type: file, path: ./x/../a },'),
    problems: [
      'c.yaml:3:72: sinks.out.path: expected a folder of its own, not that of sinks.two, found /base/a',
    ],
  },
  {
    what: 'references without a value, once each',
    text: withSink(
      'auth: { bearer: "${NOPE}" }, method: "a${file:/nowhere/x}", encoding: "${", compression: "${a b}"',
    ),
    problems: [
      'c.yaml:3:68: sinks.out.auth.bearer: expected a value for each reference, found ${NOPE}, which is not set',
      "c.yaml:3:89: sinks.out.method: expected a value for each reference, found ${file:/nowhere/x}, which can't be read (ENOENT)",
      'c.yaml:3:122: sinks.out.encoding: expected a value for each reference, found ${ without its }',
      'c.yaml:3:141: sinks.out.compression: expected a value for each reference, found ${a b}, which is no name of a variable',
    ],
  },
]

for (const { what, text, problems } of cases) {
  t.test(what, async (t) => t.same(problemsOf(text), problems))
}

t.test('at most 16 sinks have a filter', async (t) => {
  const sinks = Array.from(
    { length: 17 },
    (_, index) => `s${index}: { type: blackhole, where: { a: { eq: 1 } } }`,
  )
  const text = `memory: { arena_bytes: 80MiB }\nsources: { in: { type: tcp, ${listen} } }\nsinks:\n  ${sinks.join('\n  ')}\n`
  t.same(problemsOf(text), [
    'c.yaml:20:34: sinks.s16.where: expected at most 16 sinks with a filter, found one more',
  ])
})

t.test('there are at most so many sources', async (t) => {
  const sources = Array.from({ length: 65 }, (_, index) => `s${index}: { type: tcp, ${listen} }`)
  const text = `memory: { arena_bytes: 1GiB }\nsources: { ${sources.join(', ')} }\nsinks: { out: { type: blackhole } }\n`
  t.match(problemsOf(text)[0], /c\.yaml:2:10: sources: expected at most 64 sources, found 65/)
})

t.test('a flood of problems is cut off in the message, not in the details', async (t) => {
  const text = `${least}${Array.from({ length: 150 }, (_, index) => `zz${index}: 1`).join('\n')}\n`
  t.equal(problemsOf(text).length, 101)
  t.equal(problemsOf(text).at(-1), '... and 50 more')
  t.equal(detailsOf(text).length, 150)
})

t.test('problems are data too', async (t) => {
  t.same(detailsOf(withSink('methd: GET')), [
    {
      kind: 'unknown_key',
      file: 'c.yaml',
      line: 3,
      column: 52,
      path: 'sinks.out.methd',
      expected:
        'one of the keys type, inputs, where, batch, rate_limit, retry, breaker, order, from, lookahead_bytes, event_id_field, url, method, headers, auth, tls, encoding, compression, request',
      found: 'an unknown key',
      nearest: 'method',
    },
  ])
})
