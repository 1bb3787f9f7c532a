import t from 'tap'
import { until } from '../../helpers/until.ts'
import { withoutIpv6, withoutProc } from './fixtures/host.ts'
import { DatagramSender, SyslogRig } from './fixtures/syslog-rig.ts'

const message = (n: number | string, pad = 0) =>
  `<34>1 2026-01-02T03:04:05.006Z host app 77 - - text ${n}${'x'.repeat(pad)}`
const text = (n: number | string, pad = 0) => `text ${n}${'x'.repeat(pad)}`
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

t.test('each datagram is one message, whatever is in it', async (t) => {
  const rig = await SyslogRig.start(t)
  const sender = await DatagramSender.open(t, rig.port('net_udp'))
  for (const payload of [
    message(0),
    `${message(1)}\n`,
    `${message(2)}\r\n\u0000`,
    `${message(3)}\nsecond line\n${message(4)}`,
    `10 ${message(5)}`,
    '',
    '\n',
    ' \r\n\u0000',
    'neither priority nor header',
    Buffer.concat([Buffer.from(message(6)), Buffer.of(0xe9)]),
    `${message(7)}a\u0000b`,
  ]) {
    await sender.send(payload)
  }
  const events = await rig.events(8)
  t.same(
    events.map(({ raw_payload: payload }) => payload.message),
    [
      text(0),
      text(1),
      text(2),
      `${text(3)}\nsecond line\n${message(4)}`,
      `10 ${message(5)}`,
      'neither priority nor header',
      `${text(6)}é`,
      `${text(7)}a\u0000b`,
    ],
  )
  for (const event of events) t.equal(event.source_ip, '127.0.0.1')
  t.equal(rig.udp.received, 8, 'blank ones are none')
  t.equal(rig.udp.rejectedTotal, 0)
})

t.test('the longest datagram, and one that is longer than max_record_bytes', async (t) => {
  const bytesMax = 65_507
  const longest = 'x'.repeat(bytesMax - message(1).length)
  const sendTo = async (rig: SyslogRig) => {
    const sender = await DatagramSender.open(t, rig.port('net_udp'))
    await sender.send(message(1) + longest)
    await sender.send(message(2))
    return sender
  }
  const roomy = await SyslogRig.start(t, { udp: 'max_record_bytes: 128KiB' })
  await sendTo(roomy)
  t.same(await roomy.messages(2), [text(1) + longest, text(2)])
  t.same(roomy.letters(), [])

  const narrow = await SyslogRig.start(t, { udp: 'max_record_bytes: 60KiB' })
  const { peer } = await sendTo(narrow)
  t.same(await narrow.messages(1), [text(2)])
  t.match(narrow.letters(), [{ category: 'oversize_record', peer, record: message(1) + longest }])
})

t.test('over IPv6', { skip: withoutIpv6 }, async (t) => {
  const rig = await SyslogRig.start(t, { host: '[::1]' })
  t.match(rig.collector.address('net_udp'), /^\[::1\]:\d+$/)
  const sender = await DatagramSender.open(t, rig.port('net_udp'), '::1')
  await sender.send(message(1))
  const [event] = await rig.events(1)
  t.equal(event!.source_ip, '::1')
})

t.test('10 MB of datagrams: those that the kernel kept arrive', { skip: withoutProc }, async (t) => {
  const rig = await SyslogRig.start(t)
  const sender = await DatagramSender.open(t, rig.port('net_udp'))
  const count = 10_000
  for (const n of numbers(count)) await sender.send(message(n, 1000))
  await until(() => rig.udp.received + rig.kernelDrops === count)
  const messages = await rig.messages(rig.udp.accepted)
  const order = messages.map((one) => Number(/^text (\d+)x/.exec(one!)![1]))
  t.ok(order.every((n, i) => i === 0 || n > order[i - 1]!))
  t.ok(
    messages.every((one) => /^text \d+x{1000}$/.test(one!)),
    'whole',
  )
})

t.test('a full arena: the kernel drops, and every one is counted', { skip: withoutProc }, async (t) => {
  const rig = await SyslogRig.start(t, {
    arenaBytes: '6MiB',
    udp: 'max_record_bytes: 64KiB, receive_buffer: 64KiB',
  })
  rig.closeSink()
  const sender = await DatagramSender.open(t, rig.port('net_udp'))
  t.equal(rig.datagrams.receiveBufferBytes, 64 * 1024)
  while (rig.kernelDrops < 100) {
    for (const _ of numbers(100)) await sender.send(message(sender.sent, 1000))
  }
  t.ok(rig.collector.topology.sources[1]!.intake.full)
  const metrics = await rig.collector.registry.metrics()
  t.match(metrics, /^spillway_kernel_udp_drops_total\{source="net_udp"\} \d{3,}$/m)
  t.match(metrics, /^spillway_discarded_datagrams_total\{source="net_udp"\} 0$/m)
  rig.openSink()
  // What waited in the kernel comes after all.
  await until(() => rig.udp.received + rig.kernelDrops === sender.sent)
  const messages = await rig.messages(rig.udp.accepted)
  t.equal(new Set(messages).size, rig.udp.received)
  t.equal(rig.datagrams.discarded, 0)
  const { kernelDrops } = rig
  for (const n of numbers(100)) await sender.send(message(`later ${n}`))
  await until(() => rig.udp.received + rig.kernelDrops === sender.sent)
  t.equal(rig.kernelDrops, kernelDrops, 'and it goes on')
})

t.test('a stop under load: what was received is delivered', async (t) => {
  const rig = await SyslogRig.start(t)
  const sender = await DatagramSender.open(t, rig.port('net_udp'))
  const stopped = new AbortController()
  const talking = (async () => {
    while (!stopped.signal.aborted) await sender.send(message(sender.sent, 200))
  })()
  await until(() => rig.udp.accepted > 500)
  const { undelivered } = await rig.collector.stop()
  stopped.abort()
  await talking
  t.equal(undelivered, 0)
  t.equal(rig.receiver.lines.length, rig.udp.received)
  t.ok(rig.datagrams, 'still to be asked')
})

t.test('tcp and udp on one port, at once', async (t) => {
  const probe = await SyslogRig.start(t)
  const port = probe.port('net')
  await probe.collector.stop()
  const rig = await SyslogRig.start(t, { port })
  const sender = await DatagramSender.open(t, port)
  await Promise.all([
    rig.say(
      numbers(100)
        .map((n) => `${message(`tcp ${n}`)}\n`)
        .join(''),
    ),
    (async () => {
      for (const n of numbers(100)) await sender.send(message(`udp ${n}`))
    })(),
  ])
  await until(() => rig.tcp.accepted === 100 && rig.udp.accepted === 100)
})
