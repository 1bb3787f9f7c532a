/** The door for datagrams alone: what it does at its edges, and what it says of it. */
import t from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import type { Intake } from '../../../src/pipeline/intake/intake.ts'
import type { SourceContext } from '../../../src/pipeline/source.ts'
import { UdpDoor } from '../../../src/sources/syslog/udp.ts'
import { parse } from '../../app/config/fixtures/configs.ts'
import { quietEvents } from '../../helpers/quiet-events.ts'
import { until } from '../../helpers/until.ts'
import { IntakeRig } from '../../pipeline/intake/fixtures/intake-rig.ts'
import { withoutProc } from './fixtures/host.ts'
import { DatagramSender } from './fixtures/syslog-rig.ts'

interface Door {
  readonly door: UdpDoor
  readonly intake: Intake
  /** Names and figures of the events so far. */
  readonly said: (string | number)[][]
  start(): Promise<void>
  /** Once started. */
  port(): number
}

/** A door before an intake that nobody works for, so that it fills. */
function makeDoor({ listen = '127.0.0.1:0', keys = '', canStop = true } = {}): Door {
  const source = `net: { type: syslog, insecure: true, listen: '${listen}', transport: udp, ${keys} }`
  const { config } = parse(`sources: { ${source} }\nsinks: { out: { type: blackhole } }`)
  const [syslog] = config.sources
  if (syslog?.type !== 'syslog') throw new Error('a syslog source')
  const { intake } = new IntakeRig({ slabBytes: 128 * 1024, slabs: 10, ringEntries: 128 })
  const said: Door['said'] = []
  const context: SourceContext = {
    intake,
    clock: systemClock,
    random: () => 0.5,
    events: {
      ...quietEvents,
      receptionStopMissing: () => said.push(['receptionStopMissing']),
      receiveBufferGranted: (_source, ...bytes) => said.push(['receiveBufferGranted', ...bytes]),
      kernelDropped: (_source, ...counts) => said.push(['kernelDropped', ...counts]),
      datagramsDiscarded: (_source, ...counts) => said.push(['datagramsDiscarded', ...counts]),
      datagramsUnread: () => said.push(['datagramsUnread']),
    },
    retryAfterSeconds: () => 1,
    accepting: () => intake.accepting,
  }
  const door = canStop ? new UdpDoor(syslog, context) : new UdpDoor(syslog, context, async () => false)
  return {
    door,
    intake,
    said,
    start: () => door.start(new AbortController().signal),
    port: () => Number(door.address.split(':').at(-1)),
  }
}

/** Figures of the events of one name. */
const figures = ({ said }: Door, name: string) =>
  said.flatMap(([event, ...of]) => (event === name ? [of] : []))

t.test('may be stopped before it was started, and twice', async (t) => {
  const never = makeDoor()
  await Promise.all([never.door.stop(), never.door.stop()])
  t.same(never.said, [])
  const once = makeDoor()
  await once.start()
  await Promise.all([once.door.stop(), once.door.stop()])
  await once.door.stop()
})

t.test('an address in use, and one that is not to be had, are errors that name the key', async (t) => {
  const first = makeDoor()
  await first.start()
  for (const [listen, code] of [
    [first.door.address, 'SPW_ERR_LISTEN_IN_USE'],
    ['192.0.2.1:0', 'SPW_ERR_LISTEN_FAILED'],
  ] as const) {
    const second = makeDoor({ listen })
    await t.rejects(second.start(), { code, details: { key: 'sources.net.listen' } })
    await second.door.stop()
  }
  await first.door.stop()
})

t.test('a name is looked up', async (t) => {
  const named = makeDoor({ listen: 'localhost:0' })
  await named.start()
  t.match(named.door.address, /^(127\.0\.0\.1|\[::1\]):\d+$/)
  await named.door.stop()
})

t.test('the receive buffer that the kernel grants is told', async (t) => {
  const small = makeDoor({ keys: 'receive_buffer: 64KiB' })
  await small.start()
  t.same(small.said, [['receiveBufferGranted', 65_536, 65_536]])
  t.equal(small.door.datagrams().receiveBufferBytes, 65_536)
  await small.door.stop()

  const large = makeDoor({ keys: 'receive_buffer: 1GiB' })
  await large.start()
  const [[asked, granted] = []] = figures(large, 'receiveBufferGranted')
  t.equal(asked, 2 ** 30)
  t.equal(granted, large.door.datagrams().receiveBufferBytes)
  await large.door.stop()
})

t.test('full: it does not receive, the kernel drops, and both are told', { skip: withoutProc }, async (t) => {
  const full = makeDoor({ keys: 'receive_buffer: 16KiB' })
  await full.start()
  const sender = await DatagramSender.open(t, full.port())
  while (!full.intake.full) await sender.send('x'.repeat(1000))
  const taken = full.intake.uncommittedBytes
  while (full.door.datagrams().kernelDrops! < 100) await sender.send('x'.repeat(1000))
  t.equal(full.intake.uncommittedBytes, taken, 'nothing was taken since')
  await full.door.stop()
  const drops = figures(full, 'kernelDropped')
  t.equal(
    drops.reduce((sum, [count]) => sum + Number(count), 0),
    full.door.datagrams().kernelDrops,
  )
  t.same(full.said.at(-1), ['datagramsUnread'], 'what the kernel still held')
})

t.test('not accepting: it does not receive either, and goes on afterwards', async (t) => {
  const door = makeDoor()
  await door.start()
  const sender = await DatagramSender.open(t, door.port())
  door.intake.setAccepting(false)
  // The first one is taken still: it was received when nobody had looked.
  for (let n = 0; n < 100; n++) await sender.send('x'.repeat(1000))
  await until(() => door.intake.uncommittedBytes > 0)
  t.ok(door.intake.uncommittedBytes < 2000)
  door.intake.setAccepting(true)
  await until(() => door.intake.uncommittedBytes > 100_000)
  t.notOk(door.door.datagrams().kernelDrops)
  await door.door.stop()
})

t.test('where Node cannot stop to receive: what has no room is discarded, and counted', async (t) => {
  const door = makeDoor({ canStop: false })
  await door.start()
  t.same(door.said[1], ['receptionStopMissing'])
  const sender = await DatagramSender.open(t, door.port())
  while (door.door.datagrams().discarded < 100) await sender.send('x'.repeat(1000))
  await door.door.stop()
  const discarded = figures(door, 'datagramsDiscarded')
  t.equal(
    discarded.reduce((sum, [count]) => sum + Number(count), 0),
    door.door.datagrams().discarded,
  )
})
