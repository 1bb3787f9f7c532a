import t from 'tap'
import { plainHead } from '../../../src/sources/http/plain-head.ts'

const of = (text: string) => plainHead(Buffer.from(text, 'latin1'))
const withFields = (...fields: string[]) =>
  `POST / HTTP/1.1\r\n${['Host: x', 'Content-Length: 5', ...fields].map((field) => `${field}\r\n`).join('')}\r\n`

t.test('plain heads', (t) => {
  const text = withFields(
    'Content-Type:\t application/x-ndjson; a="b" ',
    'AUTHORIZATION: Bearer x',
    'User-Agent: a/1 (é)'.replace('é', 'e'),
  )
  t.strictSame(of(`${text}body`), {
    method: 'POST',
    url: '/',
    headers: {
      'content-length': '5',
      'content-type': 'application/x-ndjson; a="b"',
      authorization: 'Bearer x',
    },
    contentLength: 5,
    headBytes: text.length,
  })
  for (let length = 0; length < text.length; length++) {
    t.equal(of(text.slice(0, length)), 'unfinished', `${length} bytes of it`)
  }
  for (const [what, plain] of Object.entries({
    'no length is 0': withFields().replace('5', '0'),
    'a long length': withFields().replace('5', '123456789012345'),
    'another path': withFields().replace(' / ', ' /a/b?c=%20&d=[] '.replace('[]', '()')),
    'keep-alive': withFields('Connection: Keep-Alive'),
    'an empty value': withFields('Accept:'),
    'a name of odd characters': withFields("!#$%&'*+-.^_`|~9: x"),
    'tabs and blanks': withFields('X:\t \ta b\tc \t'),
  })) {
    t.type(of(plain), 'object', what)
  }
  t.end()
})

t.test('everything else', (t) => {
  const odd: Record<string, string> = {
    'another method': withFields().replace('POST', 'PUT'),
    'a method in small letters': withFields().replace('POST', 'post'),
    'a longer method': withFields().replace('POST', 'POSTS'),
    'an empty line before': `\r\n${withFields()}`,
    'two blanks': withFields().replace('POST /', 'POST  /'),
    'two blanks behind': withFields().replace('/ HTTP', '/  HTTP'),
    'a tab': withFields().replace('POST /', 'POST\t/'),
    'absolute-form': withFields().replace(' / ', ' http://x/ '),
    'asterisk-form': withFields().replace(' / ', ' * '),
    'a fragment': withFields().replace(' / ', ' /#a '),
    'another character in the target': withFields().replace(' / ', ' /"a" '),
    'a byte beyond ASCII in the target': withFields().replace(' / ', ' /\xe9 '),
    'HTTP/1.0': withFields().replace('1.1', '1.0'),
    'HTTP/2.0': withFields().replace('1.1', '2.0'),
    'http/1.1': withFields().replace('HTTP', 'http'),
    'a bare line feed': withFields().replace('x\r\n', 'x\n'),
    'a bare line feed at the end': withFields().replace('\r\n\r\n', '\r\n\n'),
    'a bare carriage return': withFields('X: a\rb'),
    'no host': withFields().replace('Host', 'Hosts'),
    'two hosts': withFields('Host: x'),
    'no length': withFields().replace('Content-Length', 'Content-Lengths'),
    'two lengths': withFields('content-length: 5'),
    'two lengths that differ': withFields('Content-Length: 6'),
    'two types': withFields('Content-Type: a', 'Content-Type: a'),
    'two tokens': withFields('Authorization: a', 'Authorization: b'),
    'a continued line': withFields('X: a', ' b'),
    'a continued line at the beginning': withFields().replace('Host', ' Host'),
    'a blank before a colon': withFields().replace('Host:', 'Host :'),
    'no name': withFields(': a'),
    'no colon': withFields('abc'),
    'a name that is no token': withFields('a(b): c'),
    'NUL in a name': withFields('a\0: c'),
    'NUL in a value': withFields('a: \0'),
    'DEL in a value': withFields('a: \x7f'),
    'a byte beyond ASCII': withFields('a: \xe9'),
    'too long': withFields(`a: ${'b'.repeat(4096)}`),
    'too many fields': withFields(...Array.from({ length: 60 }, () => 'a: b')),
  }
  for (const length of [
    '+5',
    '-5',
    '5 5',
    '5, 5',
    '5,5',
    '05',
    '0x5',
    '5.0',
    '5e1',
    '',
    ' ',
    '5;',
    '1234567890123456',
    '٥',
  ]) {
    odd[`Content-Length: ${length}`] = withFields().replace(': 5', `: ${length}`)
  }
  for (const name of [
    'Transfer-Encoding',
    'transfer-encoding',
    'Expect',
    'Upgrade',
    'Content-Encoding',
    'Proxy-Connection',
  ]) {
    odd[name] = withFields(`${name}: x`)
  }
  for (const value of ['close', 'upgrade', 'keep-alive, close', 'keep-alive, x', '']) {
    odd[`Connection: ${value}`] = withFields(`Connection: ${value}`)
  }
  for (const [what, text] of Object.entries(odd)) t.equal(of(text), 'other', what)
  t.end()
})

t.test('what is odd is so as soon as it is there', (t) => {
  t.equal(of('G'), 'other')
  t.equal(of('\x16\x03\x01'), 'other', 'TLS')
  t.equal(of('PRI * HTTP/2.0'), 'other')
  t.equal(of('POST / HTTP/1.1\n'), 'other')
  t.equal(of('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n'), 'other')
  t.equal(of(`POST /${'a'.repeat(5000)}`), 'other')
  t.end()
})
