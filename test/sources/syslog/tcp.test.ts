import t from 'tap'
import { DEAD_LETTER_RECORD_BYTES_MAX } from '../../../src/encode/dead-letter.ts'
import { SyslogRig, write } from './fixtures/syslog-rig.ts'
import { until } from '../../helpers/until.ts'

const message = (n: number | string, pad = 0) =>
  `<34>1 2026-01-02T03:04:05.006Z host app 77 - - text ${n}${'x'.repeat(pad)}`
const text = (n: number | string, pad = 0) => `text ${n}${'x'.repeat(pad)}`
const counted = (body: string) => `${Buffer.byteLength(body)} ${body}`
/** Of the nth message of a connection, so that no two of them are of one length. */
const padding = (i: number, round: number) => (i * 7 + round) % 900
const said = (i: number, round: number) => message(`${i}-${round}`, padding(i, round))
const framed = (i: number, round: number) => (i % 2 === 0 ? counted(said(i, round)) : `${said(i, round)}\n`)
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

t.test('one source, all that a sender may do', async (t) => {
  const rig = await SyslogRig.start(t)
  let before = 0
  /** The messages of one connection, in the order of their arrival. */
  const heard = async (bytes: string | Uint8Array, count: number, pieceBytes?: number) => {
    await rig.say(bytes, pieceBytes)
    const all = await rig.messages(before + count)
    const messages = all.slice(before)
    before = all.length
    return messages
  }

  t.test('an event has all its fields', async (t) => {
    await rig.say('<165>1 2026-10-11T22:14:15.003Z mymachine evntslog 7 ID47 [x@1 a="1"] \ufeffAn event\n')
    const [event] = await rig.events(++before)
    t.same(event, {
      timestamp: '2026-10-11T22:14:15.003Z',
      source_ip: '127.0.0.1',
      event_type: 'evntslog',
      severity: 3,
      raw_payload: {
        facility: 20,
        severity: 5,
        hostname: 'mymachine',
        app_name: 'evntslog',
        proc_id: '7',
        msg_id: 'ID47',
        structured_data: { 'x@1': { a: '1' } },
        message: 'An event',
      },
    })
  })

  for (const pieceBytes of [Infinity, 1, 7]) {
    const how = pieceBytes === Infinity ? 'at once' : `in pieces of ${pieceBytes}`
    t.test(`newlines, ${how}`, async (t) => {
      const bytes = `${message(0)}\n${message(1)}\r\n\r\n\n  \n${message(2)}\u0000\n${message(3)}`
      t.same(
        await heard(bytes, 4, pieceBytes),
        [0, 1, 2, 3].map((n) => text(n)),
      )
    })

    t.test(`octet counting, ${how}`, async (t) => {
      const multiline = `${message(1)}\nsecond line\n`
      const bytes = counted(message(0)) + counted(multiline) + counted(message('é')) + counted(message(3))
      t.same(await heard(bytes, 4, pieceBytes), [text(0), `${text(1)}\nsecond line`, text('é'), text(3)])
    })

    t.test(`octet counting with line feeds between the frames, ${how}`, async (t) => {
      const bytes = `${counted(message(0))}\n${counted(message(1))}\n${counted(message(2))}\n`
      t.same(
        await heard(bytes, 3, pieceBytes),
        [0, 1, 2].map((n) => text(n)),
      )
    })
  }

  t.test('lines that begin with a number are lines', async (t) => {
    const messages = await heard('2026 is a year\n12 monkeys\n', 2)
    t.match(messages.join('|'), /2026 is a year\|12 monkeys/)
  })

  t.test('a NUL within a message', async (t) => {
    const [inLine] = await heard(`${message(0)}a\u0000b\n`, 1)
    t.equal(inLine, `${text(0)}a\u0000b`)
    const [inFrame] = await heard(counted(`${message(0)}a\u0000b`), 1)
    t.equal(inFrame, `${text(0)}a\u0000b`)
  })

  const lies: [what: string, lie: (body: string) => string][] = [
    ['too long', (body) => `${body.length + 10} ${body}\n`],
    ['too short', (body) => `${body.length - 10} ${body}\n`],
    ['huge', (body) => `99999999999999999999 ${body}\n`],
    ['beyond any record', (body) => `8388609 ${body}\n`],
    ['zero', (body) => `0 ${body}\n`],
    ['negative', (body) => `-${body.length} ${body}\n`],
    ['with leading zeros', (body) => `00${body.length} ${body}\n`],
    ['without a blank', (body) => `${body.length}${body}\n`],
  ]
  for (const [what, lie] of lies) {
    t.test(`an octet count that is ${what}: no byte is lost, and the stream goes on`, async (t) => {
      // The line feeds let it find back; the last frames are far enough behind.
      const good = numbers(5).map((n) => message(n))
      const bytes = `${counted(message('first'))}${lie(message('LIE'))}${good.map((body) => `${counted(body)}\n`).join('')}`
      const received = rig.tcp.received
      await rig.say(bytes)
      await until(() => rig.tcp.received > received && rig.collector.topology.sources[0]!.intake.idle)
      const messages = (await rig.messages(rig.tcp.accepted)).slice(before)
      before += messages.length
      t.equal(messages[0], text('first'))
      t.equal(messages.at(-1), text(4), 'the stream goes on')
      const all = messages.join('\n')
      for (const n of ['LIE', 1, 2, 3]) t.ok(all.includes(`text ${n}`), `text ${n} is there`)
    })
  }

  t.test('10 MB without a line feed: one dead letter, and the connection goes on', async (t) => {
    const socket = await rig.connect()
    const bytes = 10_000_000
    await write(socket, `${message(0)}\n`)
    await write(socket, Buffer.alloc(bytes, 'x'))
    await write(socket, `\n${message(1)}\n`)
    t.same((await rig.messages(before + 2)).slice(before), [text(0), text(1)])
    before += 2
    socket.destroy()
    const [letter] = rig.letters()
    t.match(letter, { category: 'oversize_record', truncated: true, length: bytes })
    t.equal(letter!.record.length, DEAD_LETTER_RECORD_BYTES_MAX)
  })

  t.test('an oversize frame: one dead letter, and the connection goes on', async (t) => {
    const letters = rig.letters().length
    const [first, last] = [message(0), message(1)]
    t.same(await heard(counted(first) + counted(message('LONG', 100_000)) + counted(last), 2), [
      text(0),
      text(1),
    ])
    await until(() => rig.letters().length > letters)
    t.match(rig.letters().slice(letters), [
      { category: 'oversize_record', length: message('LONG').length + 100_000 },
    ])
  })

  t.test('half a record: whole at a clean end, bad_framing at a reset', async (t) => {
    const letters = rig.letters().length
    t.same(await heard(`${message(0)}\n${message(1)}`, 2), [text(0), text(1)], 'a line at a clean end')
    const socket = await rig.connect()
    await write(socket, `${message(2)}\n${message(3)}`)
    t.same((await rig.messages(before + 1)).slice(before), [text(2)])
    before++
    socket.resetAndDestroy()
    await until(() => rig.letters().length === letters + 1)
    t.match(rig.letters().slice(letters), [{ category: 'bad_framing', record: message(3) }])

    const { rejectedTotal } = rig.tcp
    t.same(await heard(`${counted(message(4))}${counted(message(5)).slice(0, -4)}`, 1), [text(4)])
    await until(() => rig.tcp.rejectedTotal > rejectedTotal)
    t.match(rig.letters().slice(letters + 1), [{ category: 'bad_framing' }], 'a frame that was not all sent')
  })
})

for (const [framing, bytes, wanted] of [
  ['newline', `6 <34>abc\n7 <34>abc\n${message(1)}\n`, ['6 <34>abc', 'abc', text(1)]],
  ['octet_counting', counted('no priority') + counted(message(1)), ['no priority', text(1)]],
  ['nul', `${message(0)}\nsecond\u0000${message(1)}\u0000`, [`${text(0)}\nsecond`, text(1)]],
] as const) {
  t.test(`framing: ${framing}`, async (t) => {
    const rig = await SyslogRig.start(t, { tcp: `framing: ${framing}` })
    await rig.say(bytes)
    t.same(await rig.messages(wanted.length), wanted)
    await rig.say(bytes, 1)
    t.same(await rig.messages(2 * wanted.length), [...wanted, ...wanted])
  })
}

t.test('2,000 connections, some count octets, some send lines, some are slow', async (t) => {
  const rig = await SyslogRig.start(t, { arenaBytes: '16MiB' })
  const count = 2000
  const rounds = 3
  const sockets = []
  for (let i = 0; i < count; i += 250) {
    sockets.push(...(await Promise.all(numbers(250).map(() => rig.connect()))))
  }
  for (const round of numbers(rounds)) {
    // Every third one breaks off in the middle, and goes on when all others have spoken.
    const halves = sockets.map((_, i) => (i % 3 === 0 ? Math.floor(framed(i, round).length / 2) : Infinity))
    for (const [i, socket] of sockets.entries()) socket.write(framed(i, round).slice(0, halves[i]))
    for (const [i, socket] of sockets.entries()) {
      if (i % 3 === 0) socket.write(framed(i, round).slice(halves[i]))
    }
  }
  const messages = await rig.messages(rounds * count)
  const wanted = sockets.flatMap((_, i) =>
    numbers(rounds).map((round) => text(`${i}-${round}`, padding(i, round))),
  )
  t.equal(messages.length, wanted.length)
  t.same(new Set(messages), new Set(wanted), 'each once')
  for (const socket of sockets) socket.end()
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve))))
  t.equal(rig.tcp.rejectedTotal, 0)
})

t.test('a full arena: TCP is not read, and nothing is lost', async (t) => {
  const rig = await SyslogRig.start(t, { arenaBytes: '6MiB' })
  rig.closeSink()
  const count = 20_000
  const lines = numbers(count).map((n) => message(n, 400))
  const sockets = await Promise.all(numbers(4).map(() => rig.connect()))
  for (const [i, socket] of sockets.entries()) {
    const own = lines.filter((_, n) => n % 4 === i)
    socket.end(own.map((line) => (i % 2 === 0 ? counted(line) : `${line}\n`)).join(''))
  }
  await until(() => rig.collector.topology.sources[0]!.intake.full)
  t.ok(rig.tcp.received < count)
  rig.openSink()
  const messages = await rig.messages(count)
  t.equal(messages.length, count)
  t.equal(new Set(messages).size, count)
  t.same(rig.collector.ledger.imbalances(), [])
})

t.test('a stop under load: what was received is delivered or a dead letter', async (t) => {
  const rig = await SyslogRig.start(t)
  const sockets = await Promise.all(numbers(4).map(() => rig.connect()))
  const talk = sockets.map(async (socket, i) => {
    const closed = new Promise((resolve) => socket.once('close', resolve))
    for (let n = 0; !socket.destroyed; n++) {
      const line = message(`${i}-${n}`, 100)
      await Promise.race([write(socket, i % 2 === 0 ? counted(line) : `${line}\n`), closed])
    }
  })
  await until(() => rig.tcp.accepted > 1000)
  const { undelivered } = await rig.collector.stop()
  await Promise.all(talk)
  t.equal(undelivered, 0)
  t.equal(rig.receiver.lines.length, rig.tcp.accepted)
  t.equal(new Set(rig.receiver.lines).size, rig.tcp.accepted)
})
