import assert from 'node:assert'
import t from 'tap'
import type { Test } from 'tap'
import { SyslogDecoder } from '../../../src/decode/syslog/decoder.ts'
import { IntakeRig, turnOfLoop } from './fixtures/intake-rig.ts'
import { HEADER } from './fixtures/made-messages.ts'

const POISON = 'KILL'
const texts = Array.from({ length: 50 }, (_, n) => (n === 20 || n === 31 ? `${POISON} ${n}` : `${n}`))
const good = texts.filter((text) => !text.startsWith(POISON))
const poison = texts.filter((text) => text.startsWith(POISON))

/** The worker dies in the decoder on some messages. Returns how often it did. */
function mortal(t: Test, rig: IntakeRig): () => number {
  const { prototype } = SyslogDecoder
  // oxlint-disable-next-line typescript/unbound-method -- called with its `this` below
  const { decode } = prototype
  t.teardown(() => (prototype.decode = decode))
  let deaths = 0
  prototype.decode = function (this: SyslogDecoder, from, to, out, outTo, utf8) {
    if (Buffer.from(rig.arena.bytes.subarray(from, to)).includes(POISON)) {
      deaths++
      throw new Error('died')
    }
    return decode.call(this, from, to, out, outTo, utf8)
  }
  return () => deaths
}

const framings = {
  'syslog-newline': (message: string) => `${message}\n`,
  'syslog-nul': (message: string) => `${message}\0`,
  'syslog-octets': (message: string) => `\n${message.length} ${message}`,
}

async function check(t: Test, rig: IntakeRig, deaths: () => number): Promise<void> {
  await turnOfLoop()
  for (let turn = 0; turn < 100 && rig.counts.received < texts.length; turn++) await rig.finish()
  t.same([...rig.accepted.values()].flat(), good, 'the others, in order')
  const letters = [...rig.letters.values()].flat()
  t.same(
    letters.map(({ category, record }) => [category, record]),
    poison.map((text) => ['processing_failure', HEADER + text]),
  )
  t.equal(deaths(), 2 * poison.length, 'each is tried once more, alone')
  t.equal(rig.stop(), 0)
}

for (const [framing, written] of Object.entries(framings)) {
  t.test(`messages that kill their worker are dead-lettered alone: ${framing}`, async (t) => {
    const rig = new IntakeRig({ slabBytes: 128 * 1024, slabs: 12, decoded: true })
    const deaths = mortal(t, rig)
    const stream = rig.intake.openStream({
      peer: 'peer',
      framing: framing as keyof typeof framings,
      onDrain() {},
    })
    stream.write(Buffer.from(texts.map((text) => written(HEADER + text)).join('')))
    stream.end(true)
    await check(t, rig, deaths)
  })
}

t.test('messages that kill their worker are dead-lettered alone: datagrams', async (t) => {
  const rig = new IntakeRig({ slabBytes: 256 * 1024, slabs: 12, decoded: true })
  const deaths = mortal(t, rig)
  const stream = rig.intake.openStream({ peer: '', framing: 'datagrams', onDrain() {} })
  for (const text of texts) assert(stream.datagram(Buffer.from(HEADER + text), '192.0.2.7', 514))
  stream.end(true)
  await check(t, rig, deaths)
})
