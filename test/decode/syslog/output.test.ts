/** What is written: escapes, encodings, addresses, and room. */
import fc from 'fast-check'
import t from 'tap'
import { NO_ROOM } from '../../../src/decode/syslog/decoder.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { compileOracle } from '../../../src/schema/oracle.ts'
import { RECEIVED_AT_MS, decodeOne, makeRig } from './decode-one.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20261122)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)
const HEADER = '<13>1 2026-01-15T08:00:00Z h a - - - '
const oracle = compileOracle(builtinSpecs.soc.schema)

t.test('every character of ASCII, at every place among others', (t) => {
  for (let code = 0; code < 128; code++) {
    for (let before = 0; before < 9; before++) {
      const text = `${'x'.repeat(before)}${String.fromCharCode(code)}yz"\\`
      if (decodeOne(HEADER + text).event.raw_payload.message !== text) t.fail(`${code} behind ${before}`)
    }
  }
  t.equal(
    decodeOne(`${HEADER}\b\t\n\f\r"\\/\u0000\u001f\u007f.`).json.split('"message":')[1],
    '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f."}}',
  )
  t.end()
})

t.test('any text comes back as it was', (t) => {
  // A BOM in front is dropped, and of the end what follows a line break.
  const text = fc.string({ unit: 'binary', maxLength: 300 }).map((value) => `.${value}.`)
  fc.assert(
    fc.property(text, (value) => {
      const { event } = decodeOne(Buffer.from(HEADER + value))
      return (
        event.raw_payload.message === Buffer.from(value).toString() &&
        event.raw_payload.encoding === undefined
      )
    }),
    { seed, numRuns: 2000 },
  )
  t.end()
})

t.test('bytes that are not UTF-8 are Windows-1252', (t) => {
  const bytes = Buffer.alloc(256)
  for (let index = 0; index < 256; index++) bytes[index] = index
  const message = Buffer.concat([Buffer.from(`${HEADER}.`), bytes, Buffer.from('.')])
  const { encoding, message: text } = decodeOne(message).event.raw_payload
  t.equal(encoding, 'windows-1252')
  t.equal(text, `.${new TextDecoder('windows-1252').decode(bytes)}.`)
  const latin = decodeOne(Buffer.from('<13>Oct 11 22:14:15 host app: caf\xe9 \x80 "q" \xff', 'latin1')).event
  t.equal(latin.raw_payload.message, 'café € "q" ÿ')
  t.equal(latin.raw_payload.hostname, 'host')
  const data = decodeOne(Buffer.from('<13>1 - h a - - [id x="caf\xe9\\""] \xe4', 'latin1')).event.raw_payload
  t.strictSame([data.structured_data, data.message], [{ id: { x: 'café"' } }, 'ä'])
  t.end()
})

t.test('one bad byte decides for the whole message', (t) => {
  const { encoding, message } = decodeOne(Buffer.concat([Buffer.from(`${HEADER}é `), Buffer.from([0xe9])]))
    .event.raw_payload
  t.strictSame([encoding, message], ['windows-1252', 'Ã© é'])
  for (const bytes of ['c080', 'eda080', 'f4908080', 'e282', 'fe', 'efbbbfc1']) {
    const bad = decodeOne(Buffer.concat([Buffer.from(HEADER), Buffer.from(bytes, 'hex')])).event
    t.equal(bad.raw_payload.encoding, 'windows-1252', bytes)
  }
  t.end()
})

t.test('what is known to be UTF-8 is not looked at again', (t) => {
  const { event } = makeRig().decode(`${HEADER}κόσμε`, true)
  t.equal(event.raw_payload.message, 'κόσμε')
  t.end()
})

t.test('the peer', (t) => {
  const rig = makeRig()
  const peerOf = (peer: string): string => {
    rig.bytes.set(Buffer.from(peer), 16)
    rig.decoder.setPeer(16, 16 + Buffer.byteLength(peer))
    return rig.decode('<13>x').event.source_ip
  }
  for (const peer of ['192.0.2.9', '2001:db8::7', '192.0.2.90', '', '192.0.2.9', 'fe80::1%eth0']) {
    t.equal(peerOf(peer), peer)
    t.equal(peerOf(peer), peer)
  }
  t.equal(peerOf('a"b\\c\nd'), 'abcd', 'nothing that would break the line')
  t.equal(peerOf('1'.repeat(300)), '1'.repeat(64))
  const many = Array.from({ length: 2000 }, (_, n) => `10.1.${n % 50}.${n % 256}`)
  t.same(many.map(peerOf), many, 'more senders than are known at once')
  t.end()
})

t.test('room: all of it or nothing, and never a byte behind it', (t) => {
  const rig = makeRig()
  for (const message of [
    `${HEADER}text with "quotes" and \u0001`,
    '<13>1 - h a p m [id x="1\\"2"][b] text',
    '<189>123: *Oct 11 22:14:15.123 UTC: %SYS-5-CONFIG_I: x',
    'text',
  ]) {
    const whole = rig.decodeInto(message, 4096)
    t.ok(whole > 0)
    for (let room = 0; room < whole; room++) {
      if (rig.decodeInto(message, room) !== NO_ROOM) t.fail(`${message} in ${room} of ${whole}`)
    }
    t.equal(rig.decodeInto(message, whole), whole, 'exactly enough')
    t.equal(rig.decodeInto(message, whole + 1), whole)
  }
  t.end()
})

const PIECES = [
  '<13>', '<191>', '<999>', '1 ', '2026-01-15T08:00:00.123Z', '-', ' ', '  ', 'Oct 11 22:14:15', ' 2024', ' UTC', '*', '.',
  'host', '192.0.2.1', 'fe80::1', 'app[12]:', 'app:', ':', '%ASA-6-302013:', '123: ', '[id a="b\\"c"]', '[', ']', '"', '\\',
  '=', 'CEF:0|a|b', '{"a":1}', '\t', '\n', '\0', '\ufeff', 'é', '𐌼', '1726135872', '09/30/2026:10:11:12', 'notice ', 'RP/0/CPU0:',
  '2w3d: ', '00:00:46: ', '*task: ', 'Message forwarded from ', 'NetScreen ', '[na-01:a.b:info]:', ' : ', '%A-5-B ', ' [7]:',
  '11 Oct 2026 ', 'Sun, ', '22:14:15', '2026:10:11-', '00:1b:44:11:3a:b7',
] // prettier-ignore

t.test('whatever comes in, what goes out is a valid soc event and nothing is read twice', (t) => {
  const rig = makeRig('Europe/Berlin')
  const pieces = fc
    .array(fc.constantFrom(...PIECES), { maxLength: 14 })
    .map((list) => Buffer.from(list.join('')))
  const binary = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes))
  const mutated = fc
    .tuple(pieces, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }))
    .map(([bytes, changes]) => {
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
      return bytes
    })
  let previous: Buffer = Buffer.from('')
  fc.assert(
    fc.property(fc.oneof(pieces, binary, mutated), (message) => {
      const { event, json, severity, timeMs } = rig.decode(message)
      if (!oracle.check(event)) return false
      if (
        event.severity !== severity ||
        Math.abs(Date.parse(leapless(event.timestamp)) - (timeMs || RECEIVED_AT_MS)) > 1000
      )
        return false
      // eslint-disable-next-line no-control-regex -- that there are none is what is asked
      if (/[\u0000-\u001f]/.test(json)) return false
      const { facility, severity: raw, structured_data: data, ...texts } = event.raw_payload
      const isEmpty =
        Object.values(texts).includes('') || (data !== undefined && Object.keys(data).length === 0)
      if (isEmpty || facility > 23 || raw > 7) return false
      // The same again, with another message between.
      const before = previous
      previous = message
      rig.decode(before)
      return rig.decode(message).json === json
    }),
    { seed, numRuns: Number(process.env.FAST_CHECK_RUNS ?? 20_000) },
  )
  t.end()
})

/** Date.parse knows no second 60. */
function leapless(timestamp: string): string {
  return timestamp.replace(':60', ':59')
}

t.test('a message without a time has that of its arrival', (t) => {
  const { event, timeMs } = decodeOne('<13>x')
  t.equal(event.timestamp, '2026-11-22T05:00:00.000Z')
  t.ok(Number.isNaN(timeMs), 'which is none of its own')
  t.end()
})

t.test('long hostile messages take no longer than their length', (t) => {
  const rig = makeRig()
  const start = performance.now()
  for (const piece of [
    '[',
    '[a ',
    '[a x="',
    '1: ',
    '\\',
    ' ',
    'a:',
    '<',
    '\n',
    '[a b="" c=""',
    '[a]',
    'a/',
    '=',
  ]) {
    rig.decode(`<13>1 - h a - - ${piece.repeat(100_000)}`.slice(0, 1 << 19))
    rig.decode(`<13>Oct 11 22:14:15 ${piece.repeat(100_000)}`.slice(0, 1 << 19))
    rig.decode(piece.repeat(100_000).slice(0, 1 << 19))
  }
  t.ok(performance.now() - start < 10_000, 'half a megabyte each')
  t.end()
})
