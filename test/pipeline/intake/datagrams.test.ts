import assert from 'node:assert'
import t from 'tap'
import { DATAGRAM_ROOM_BYTES } from '../../../src/pipeline/intake/datagram-writer.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { IntakeRig, listOf, turnOfLoop } from './fixtures/intake-rig.ts'
import { HEADER } from './fixtures/made-messages.ts'

const RIG = { slabBytes: 256 * 1024, slabs: 12, decoded: true, maxRecordBytes: 100_000 }

t.test('datagrams of many senders: each an event of its own sender, in order', async (t) => {
  for (let seed = 1; seed <= 3; seed++) {
    const random = seededRandom(seed)
    const below = (n: number) => Math.floor(random() * n)
    const rig = new IntakeRig({ ...RIG, random })
    const stream = rig.intake.openStream({ peer: '', framing: 'datagrams', onDrain() {} })
    const sent = new Map<string, string[]>()
    for (let n = 0; n < 1000;) {
      if (rig.intake.hasRoom(DATAGRAM_ROOM_BYTES)) {
        const address = below(2) === 0 ? `10.0.0.${below(50)}` : `2001:db8::${below(50)}`
        const text = `${n++} ${['one line', 'two\nlines', 'x'.repeat(below(60_000))][below(3)]!}.`
        const trailer = ['', '\n', '\r\n', '\0'][below(4)]!
        assert(stream.datagram(Buffer.from(HEADER + text + trailer), address, below(65_536)))
        listOf(sent, address).push(text)
      } else await turnOfLoop()
      if (below(5) === 0) rig.work()
      if (below(8) === 0) rig.settle()
      if (below(50) === 0) rig.clock.pass(5)
    }
    stream.end(true)
    await rig.finish()
    t.same(Object.fromEntries(rig.accepted), Object.fromEntries(sent), `seed ${seed}`)
    t.equal(rig.counts.received, 1000)
    t.ok(rig.pauses > 0, 'it was full now and then')
    t.equal(rig.stop(), 0)
  }
})

t.test('an IPv4 sender behind an IPv6 socket has its IPv4 address', async (t) => {
  const rig = new IntakeRig(RIG)
  const stream = rig.intake.openStream({ peer: '', framing: 'datagrams', onDrain() {} })
  stream.datagram(Buffer.from(`${HEADER}a`), '::ffff:192.0.2.7', 514)
  stream.datagram(Buffer.from(`${HEADER}b`), 'fe80::1%eth0', 514)
  stream.datagram(Buffer.from(''), '192.0.2.8', 514)
  stream.datagram(Buffer.from(' \r\n\0'), '192.0.2.8', 514)
  await rig.finish()
  t.same([...rig.accepted.keys()], ['192.0.2.7', 'fe80::1%eth0'])
  t.equal(
    rig.counts.receivedBytes,
    2 * (HEADER.length + 1) + 4,
    'what was sent, without what tells the sender',
  )
  t.equal(rig.stop(), 0)
})

t.test('a datagram that is too long is refused, with its sender', async (t) => {
  const rig = new IntakeRig({ ...RIG, maxRecordBytes: 1000 })
  const stream = rig.intake.openStream({ peer: '', framing: 'datagrams', onDrain() {} })
  const text = HEADER + 'x'.repeat(2000)
  stream.datagram(Buffer.from(text), '192.0.2.7', 51_234)
  stream.datagram(Buffer.from(text), '2001:db8::7', 514)
  stream.datagram(Buffer.from(`${HEADER}${'"'.repeat(900)}`), '192.0.2.7', 514)
  stream.datagram(Buffer.from(`${HEADER}fits`), '192.0.2.7', 514)
  await rig.finish()
  t.same([...rig.letters.keys()], ['192.0.2.7:51234', '[2001:db8::7]:514', '192.0.2.7:514'])
  t.equal(rig.letters.get('[2001:db8::7]:514')![0]!.record, text)
  t.equal(rig.letters.get('192.0.2.7:514')![0]!.category, 'oversize_record', 'too long as an event')
  t.same(rig.accepted.get('192.0.2.7'), ['fits'])
  t.equal(rig.stop(), 0)
})

t.test(
  'bytes received are a count that never falls, though a run of datagrams is committed in parts',
  async (t) => {
    const rig = new IntakeRig(RIG)
    const stream = rig.intake.openStream({ peer: '', framing: 'datagrams', onDrain() {} })
    const count = 3000
    for (let n = 0; n < count; n++) assert(stream.datagram(Buffer.from('x'), '2001:db8::1', 514))
    stream.end(true)
    let before = 0
    for (let turn = 0; rig.counts.received < count && turn < 1000; turn++) {
      rig.clock.pass(5)
      rig.work()
      rig.settle()
      await turnOfLoop()
      if (rig.counts.receivedBytes < before) t.fail(`${rig.counts.receivedBytes} after ${before}`)
      before = rig.counts.receivedBytes
    }
    t.ok(rig.frames > 1, `${rig.frames} parts`)
    t.equal(rig.counts.receivedBytes, count)
  },
)
