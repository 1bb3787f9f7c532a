/** What the configuration language has and this version does not is refused, never taken and ignored. */
import t from 'tap'
import { detailsOf, least, withSource } from './fixtures/configs.ts'

const listen = 'listen: 127.0.0.1:0'

const cases: [path: string, text: string][] = [
  ['admin.tls', `admin: { tls: {} }\n${least}`],
  ['admin.auth', `admin: { auth: {} }\n${least}`],
  ['sources.in.tls', withSource(`${listen}, tls: { cert: a, key: b }`)],
  ...['pagination: {}', 'cursor: {}'].map((written): [string, string] => [
    `sources.in.${nameOf(written)}`,
    withSource(`${written}, urls: ['http://127.0.0.1/']`).replace('type: http', 'type: http_poll'),
  ]),
  ['sinks.out.type', least.replace('blackhole', 'kafka')],
  ['sinks.out.compression', least.replace('blackhole', 'file, path: a, compression: auto')],
]

for (const [path, text] of cases) {
  t.test(`${path} in ${JSON.stringify(text).slice(0, 70)}`, async (t) => {
    const problems = detailsOf(text)
    t.match(problems, [{ kind: 'not_in_this_version', path }])
    t.equal(problems.length, 1)
  })
}

function nameOf(written: string): string {
  return written.slice(0, written.indexOf(':'))
}
