import fc from 'fast-check'
import t from 'tap'
import { timezoneProblem } from '../../../src/decode/syslog/decoder.ts'
import { rfc3339TextMs } from '../../../src/schema/rfc3339.ts'
import { RECEIVED_AT_MS, makeRig } from './decode-one.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20261122)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)

/** The event's time for a header that begins with `time`; undefined where it was taken for no time. */
function timeOf(time: string, rig = makeRig()): string | undefined {
  const { event, timeMs } = rig.decode(`<13>${time} h a: x`)
  const textMs = rfc3339TextMs(event.timestamp)
  if (event.raw_payload.message === 'x') {
    t.equal(textMs, timeMs, `${time}: text and number agree`)
    return event.timestamp
  }
  t.equal(event.raw_payload.message, `${time} h a: x`, `${time}: kept whole`)
  t.ok(Number.isNaN(timeMs))
  t.equal(textMs, RECEIVED_AT_MS)
  return undefined
}

const rig = makeRig()

const times: Record<string, string | undefined> = {
  'Oct 11 22:14:15': '2026-10-11T22:14:15Z',
  'oct 11 22:14:15': '2026-10-11T22:14:15Z',
  'OCT 11 22:14:15': '2026-10-11T22:14:15Z',
  'Oct  1 22:14:15': '2026-10-01T22:14:15Z',
  'Oct 1 22:14:15': '2026-10-01T22:14:15Z',
  'Oct 01 22:14:15': '2026-10-01T22:14:15Z',
  'Oct 11 2:14:15': '2026-10-11T02:14:15Z',
  'Oct 11 22:14:15.5': '2026-10-11T22:14:15.5Z',
  'Oct 11 22:14:15,123': '2026-10-11T22:14:15.123Z',
  'Oct 11 22:14:15.123456789': '2026-10-11T22:14:15.123456789Z',
  'Oct 11 22:14:15.1234567891': '2026-10-11T22:14:15.123456789Z',
  'Oct 11 2024 22:14:15': '2024-10-11T22:14:15Z',
  'Oct 11 22:14:15 2024': '2024-10-11T22:14:15Z',
  '2024 Oct 11 22:14:15': '2024-10-11T22:14:15Z',
  'Fri Oct 11 22:14:15 2024': '2024-10-11T22:14:15Z',
  '2026:10:11-22:14:15': '2026-10-11T22:14:15Z',
  '2026/10/11-22:14:15.5': '2026-10-11T22:14:15.5Z',
  '2026:10-11-22:14:15': undefined,
  '2026-10-11_22:14:15': undefined,
  '11 Oct 22:14:15': '2026-10-11T22:14:15Z',
  '1 Oct 2024 22:14:15 +0200': '2024-10-01T20:14:15Z',
  '11-Oct-2024 22:14:15.123': '2024-10-11T22:14:15.123Z',
  '11/Oct/2024:22:14:15 -0200': '2024-10-12T00:14:15Z',
  'Fri, 11 Oct 2024 22:14:15 GMT': '2024-10-11T22:14:15Z',
  'Fri 11 Oct 2024 22:14:15': '2024-10-11T22:14:15Z',
  'Fri 211 Oct 2024 22:14:15': undefined,
  '11-Oct/2024 22:14:15': undefined,
  '31 Sep 2024 22:14:15': undefined,
  '00 Oct 2024 22:14:15': undefined,
  '11 Okt 2024 22:14:15': undefined,
  '11 Oct 1024 22:14:15': undefined,
  '*Oct 11 22:14:15.123': '2026-10-11T22:14:15.123Z',
  '.Oct 11 22:14:15': '2026-10-11T22:14:15Z',
  'Oct 11 22:14:15:': '2026-10-11T22:14:15Z',
  'Oct 11 10:14:15 PM': '2026-10-11T22:14:15Z',
  'Oct 11 12:14:15 AM.484': '2026-10-11T00:14:15.484Z',
  'Oct 11 22:14:15Z': '2026-10-11T22:14:15Z',
  'Oct 11 22:14:15 UTC': '2026-10-11T22:14:15Z',
  'Oct 11 22:14:15 EDT': '2026-10-12T02:14:15Z',
  'Oct 11 22:14:15 EDT:': '2026-10-12T02:14:15Z',
  'Oct 11 22:14:15 CEST 2024': '2024-10-11T20:14:15Z',
  'Oct 11 22:14:15 2024 CEST': '2024-10-11T20:14:15Z',
  'Aug 24 05:34:00 CST 1987': '1987-08-24T11:34:00Z',
  '1990 Oct 22 10:52:01 TZ-6': '1990-10-22T16:52:01Z',
  'Oct 11 22:14:15 GMT+02:00': '2026-10-11T20:14:15Z',
  'Oct 11 22:14:15 +0530': '2026-10-11T16:44:15Z',
  'Oct 11 22:14:15 -05:00:': '2026-10-12T03:14:15Z',
  // The year nearest to 22 November 2026.
  'Jan  1 00:00:00': '2027-01-01T00:00:00Z',
  'May 22 00:00:00': '2027-05-22T00:00:00Z',
  'May 26 00:00:00': '2026-05-26T00:00:00Z',
  'Dec 31 23:59:59': '2026-12-31T23:59:59Z',
  'Feb 29 01:15:43': '2028-02-29T01:15:43Z',
  '2026-10-11T22:14:15Z': '2026-10-11T22:14:15Z',
  '2026-10-11t22:14:15z': '2026-10-11T22:14:15Z',
  '2026-10-11T22:14:15.000003-07:00': '2026-10-12T05:14:15.000003Z',
  '2026-10-11T22:14:15.003000+0530': '2026-10-11T16:44:15.003000Z',
  '2026-10-11T22:14:15+05': '2026-10-11T17:14:15Z',
  '2026-10-11T22:14:15+00:00Z': '2026-10-11T22:14:15Z',
  '2026-10-11T22:14:15': '2026-10-11T22:14:15Z',
  '2026-10-11 22:14:15': '2026-10-11T22:14:15Z',
  '2026-10-11 22:14:15,503': '2026-10-11T22:14:15.503Z',
  '2026-10-11 22:14:15 +0000': '2026-10-11T22:14:15Z',
  '2026-10-11 22:14:15.25 UTC :': '2026-10-11T22:14:15.25Z',
  '2026/10/11 22:14:15': '2026-10-11T22:14:15Z',
  '1998-12-31T23:59:60Z': '1998-12-31T23:59:60Z',
  '1998-12-31T15:59:60.25-08:00': '1998-12-31T23:59:60.25Z',
  '2018-12-31T23:59:59.999999-23:59': '2019-01-01T23:58:59.999999Z',
  '0000-01-01T00:00:00Z': '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z': '9999-12-31T23:59:59Z',
  '1726135872': '2024-09-12T10:11:12Z',
  '1726135872.5': '2024-09-12T10:11:12.5Z',
  '1726135872.123456789': '2024-09-12T10:11:12.123456789Z',
  '1726135872123': '2024-09-12T10:11:12.123Z',
  '1726135872123456': '2024-09-12T10:11:12.123456Z',
  '09/30/2026:10:11:12 GMT': '2026-09-30T10:11:12Z',
  '30/09/2026:10:11:12 GMT': '2026-09-30T10:11:12Z',
  // Both are dates: the nearer one.
  '11/12/2026:10:11:12 GMT': '2026-11-12T10:11:12Z',
  '12/11/2026:10:11:12': '2026-11-12T10:11:12Z',

  'Oct 32 22:14:15': undefined,
  'Oct 0 22:14:15': undefined,
  'Sep 31 22:14:15': undefined,
  'Feb 29 2026 22:14:15': undefined,
  'Oct 11 24:14:15': undefined,
  'Oct 11 22:60:15': undefined,
  'Oct 11 22:14:61': undefined,
  'Oct 11 22:14:60': undefined,
  'Oct 11 22:14:150': undefined,
  'Oct 11 22:14:15.': undefined,
  'Oct 11 13:14:15 PM': undefined,
  'Okt 11 22:14:15': undefined,
  '2026-10-11T22:14:60Z': undefined,
  '2026-09-31T22:14:15Z': undefined,
  '2026-13-01T22:14:15Z': undefined,
  '2026-10-11T22:14:15.Z': undefined,
  '2026-10-11T22:14:15Z+07:00': undefined,
  '2026-10-11T22:14:15-60:00': undefined,
  '2026-10-11T22:14:15+05:60': undefined,
  '2026-10-11T22:14:15A': undefined,
  '2026-10-11T22:14Z': undefined,
  '2026-10/11T22:14:15Z': undefined,
  '0000-01-01T00:00:00+00:01': undefined,
  '9999-12-31T23:59:59-00:01': undefined,
  '3000000000': undefined,
  '17261358721': undefined,
  '172613587.5': undefined,
  '1726135872.': undefined,
  '31/31/2026:10:11:12 GMT': undefined,
}

t.test('times', (t) => {
  for (const [time, expected] of Object.entries(times)) t.equal(timeOf(time, rig), expected, time)
  t.end()
})

t.test('a zone that nobody knows is left out, where it can only be one', (t) => {
  const cisco = rig.decode('<189>1: Oct 11 22:14:15 XYZT: %SYS-5-X: y').event
  t.equal(cisco.timestamp, '2026-10-11T22:14:15Z')
  t.equal(cisco.raw_payload.app_name, '%SYS-5-X')
  const host = rig.decode('<189>Oct 11 22:14:15 XYZT su: y').event.raw_payload
  t.equal(host.hostname, 'XYZT')
  t.equal(
    rig.decode('<189>Oct 11 22:14:15 met su: y').event.raw_payload.hostname,
    'met',
    'nor is a small one',
  )
  t.end()
})

t.test('an IPv6 address that begins like a year', (t) => {
  const { timestamp, raw_payload: payload } = rig.decode('<13>Oct 11 22:14:15 2001:db8::1 a: x').event
  t.equal(timestamp, '2026-10-11T22:14:15Z')
  t.equal(payload.hostname, '2001:db8::1')
  t.end()
})

t.test('timezones of times without one', (t) => {
  const berlin = makeRig('Europe/Berlin')
  t.equal(timeOf('Oct 11 22:14:15', berlin), '2026-10-11T20:14:15Z', 'summer')
  t.equal(timeOf('Nov 11 22:14:15', berlin), '2026-11-11T21:14:15Z', 'winter')
  t.equal(timeOf('2026-10-25 01:59:59', berlin), '2026-10-24T23:59:59Z', 'before the change')
  t.equal(timeOf('2026-10-25 02:30:00', berlin), '2026-10-25T00:30:00Z', 'comes twice: the first')
  t.equal(timeOf('2026-10-25 03:00:00', berlin), '2026-10-25T02:00:00Z', 'after it')
  t.equal(timeOf('2026-03-29 01:59:59', berlin), '2026-03-29T00:59:59Z')
  t.equal(timeOf('2026-03-29 02:30:00', berlin), '2026-03-29T00:30:00Z', 'never comes')
  t.equal(timeOf('2026-03-29 03:00:00', berlin), '2026-03-29T01:00:00Z')
  t.equal(timeOf('2026-10-11T22:14:15Z', berlin), '2026-10-11T22:14:15Z', 'the time says its own')
  t.equal(timeOf('Oct 11 22:14:15', makeRig('-03:30')), '2026-10-12T01:44:15Z')
  t.equal(timeOf('Oct 11 22:14:15', makeRig('Asia/Kathmandu')), '2026-10-11T16:29:15Z')
  const local = new Date(2026, 9, 11, 22, 14, 15).toISOString().replace('.000', '')
  t.equal(timeOf('Oct 11 22:14:15', makeRig('local')), local)
  t.end()
})

t.test('the check of a timezone', (t) => {
  for (const zone of ['local', 'UTC', '+02:00', '-11:30', 'Europe/Berlin', 'America/New_York']) {
    t.equal(timezoneProblem(zone), undefined, zone)
  }
  for (const zone of ['', 'Mars/Olympus', '+2', '+24:00', '+02:60', 'utc+2']) {
    t.type(timezoneProblem(zone), 'string', zone)
    t.throws(() => makeRig(zone), RangeError)
  }
  t.end()
})

t.test('years that are left out follow the time of arrival', (t) => {
  for (const [received, time, expected] of [
    ['2027-01-01T00:00:05Z', 'Dec 31 23:59:59', '2026-12-31T23:59:59Z'],
    ['2026-12-31T23:59:59Z', 'Jan  1 00:00:05', '2027-01-01T00:00:05Z'],
    ['2026-12-31T23:59:59Z', 'Dec 31 23:59:58', '2026-12-31T23:59:58Z'],
    ['2026-01-10T00:00:00Z', 'Feb 29 00:00:00', '2024-02-29T00:00:00Z'],
    ['2101-01-01T00:00:00Z', 'Feb 29 00:00:00', '2104-02-29T00:00:00Z'],
  ] as const) {
    rig.decoder.begin(Date.parse(received))
    t.equal(rig.decode(`<13>${time} h a: x`).event.timestamp, expected, `${time} at ${received}`)
  }
  rig.decoder.begin(RECEIVED_AT_MS)
  t.end()
})

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

t.test('any ISO time, with any zone and fraction, against Date', (t) => {
  const time = fc.record({
    atMs: fc.integer({ min: Date.UTC(1, 0, 2), max: Date.UTC(9999, 11, 30) }),
    offset: fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }),
    fraction: fc.stringMatching(/^\d{0,9}$/),
  })
  fc.assert(
    fc.property(time, ({ atMs, offset, fraction }) => {
      const second = Math.floor(atMs / 1000) * 1000
      const [local, utc] = [second + offset * 60_000, second].map((ms) =>
        new Date(ms).toISOString().slice(0, 19),
      )
      const minutes = Math.abs(offset)
      const zone = `${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`
      const digits = fraction === '' ? '' : `.${fraction}`
      const { event, timeMs } = rig.decode(`<13>1 ${local}${digits}${zone} h a - - - x`)
      return (
        event.timestamp === `${utc}${digits}Z` &&
        timeMs === second + Number(fraction.padEnd(3, '0').slice(0, 3))
      )
    }),
    { seed, numRuns: 2000 },
  )
  t.end()
})
