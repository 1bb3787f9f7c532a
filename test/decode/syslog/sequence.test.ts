/** A decoder remembers times, years, offsets, addresses: none of it may change what a message becomes. */
import fc from 'fast-check'
import t from 'tap'
import { NO_ROOM, SyslogDecoder } from '../../../src/decode/syslog/decoder.ts'
import { Arena } from '../../../src/memory/arena.ts'
import { RECEIVED_AT_MS } from './decode-one.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20261122)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)

const MIB = 1 << 20
const DAY_MS = 86_400_000
const { memory, bytes } = Arena.create(2 * MIB, MIB)

function makeDecoder(): SyslogDecoder {
  return new SyslogDecoder(memory, { timezone: '+02:00' })
}

function decode(decoder: SyslogDecoder, { day, text }: Message): string {
  const message = Buffer.from(text)
  bytes.set(message, 64)
  decoder.begin(RECEIVED_AT_MS + day * DAY_MS)
  const end = decoder.decode(64, 64 + message.length, MIB, 2 * MIB, true)
  return end === NO_ROOM ? '' : Buffer.from(bytes.subarray(MIB, end)).toString()
}

interface Message {
  /** Of its arrival. */
  readonly day: number
  readonly text: string
}

/** Texts of times that begin alike, and differ in what stands behind the minute, or in what the minute is. */
const dates = ['Oct 11 22:14:', 'Oct 11 2:14:', 'Oct  1 22:14:', 'Oct 1 2024 2:14:', 'Oct 1 2024 22:', 'Oct   11  22:14:', 'Oct 11 22:14'].flatMap(
  (date) => [date, `Fri ${date}`, `2024 ${date}`],
) // prettier-ignore
const isoDates = ['2026-10-11T22:14:', '2026-10-11T2:14:', '2026-10-11T22:14', '2026-10-11 22:14:', '2026-10-11-22:14:', '2026:10:11-22:14:', '2026-09-31T22:14:'] // prettier-ignore
const seconds = ['15', '59', '60', '61', '1x', '14:15', ':15', 'x15']
const behind = ['', 'Z', '.5', '.123Z', '+02:00', ' +0100', ' AM', ' PM', ' PM.5', ' 2024', ' 2024 CET', ' UTC', ' UTC 2025', ':', 'x'] // prettier-ignore
const rest = [' host app[1]: text', ' host app[1]: [a b="c" b="d"][e b="f"][a g="h"]', ' host app 1 - [a b="c" b="\\]"][a b="d"] text', ' %A-5-B: text'] // prettier-ignore

/** What stands behind the same minute in messages that follow each other. */
const ends = fc.array(
  fc.record({
    day: fc.constantFrom(0, 0, 0, 0, 1, 2000),
    end: fc.tuple(fc.constantFrom(...seconds), fc.constantFrom(...behind), fc.constantFrom(...rest)),
  }),
  { minLength: 2, maxLength: 3 },
)

t.test('a message becomes the same event behind any others', (t) => {
  const remembers = makeDecoder()
  const alone = new Map<string, string>()
  const isSame = (message: Message): boolean => {
    const key = `${message.day} ${message.text}`
    let event = alone.get(key)
    if (event === undefined) alone.set(key, (event = decode(makeDecoder(), message)))
    return event !== '' && decode(remembers, message) === event
  }
  fc.assert(
    fc.property(
      fc.constantFrom('<13>', '<13>1 ', '<189>12: '),
      fc.constantFrom(...dates, ...isoDates),
      ends,
      (head, date, all) => all.every(({ day, end }) => isSame({ day, text: [head, date, ...end].join('') })),
    ),
    { seed, numRuns: Number(process.env.FAST_CHECK_RUNS ?? 1500) },
  )
  t.end()
})

t.test('a minute without its colon is not the one before', (t) => {
  for (const minute of ['Oct 11 22:14', '2026-10-11T22:14']) {
    const remembers = makeDecoder()
    const first = decode(remembers, { day: 0, text: `<13>${minute}:15 host app: text` })
    t.match(first, '"message":"text"')
    t.match(
      decode(remembers, { day: 0, text: `<13>${minute}x15 host app: text` }),
      `"message":"${minute}x15 host`,
    )
  }
  t.end()
})
