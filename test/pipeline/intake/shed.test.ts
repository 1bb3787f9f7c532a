import t from 'tap'
import type { Stream } from '../../../src/pipeline/intake/stream.ts'
import { socEvent } from '../../helpers/soc-event.ts'
import { IntakeRig } from './fixtures/intake-rig.ts'

const RIG = { slabBytes: 256 * 1024, slabs: 12 }

t.test('a stream and its source are told what was shed', async (t) => {
  const rig = new IntakeRig(RIG)
  rig.control.setShedBelow(1)
  let done: Stream | undefined
  const onDone = (stream: Stream) => (done = stream)
  const stream = rig.intake.openStream({ peer: 'p', framing: 'lines', onDrain() {}, onDone })
  // The schema `any` knows no severity: every event is of 0.
  stream.write(Buffer.from(`${socEvent(1)}\nnope\n${socEvent(2)}\n`))
  stream.end(true)
  await rig.finish()
  t.match(done, { records: 3, accepted: 0, rejected: 1, shed: 2 })
  t.match(rig.counts, { received: 3, accepted: 0, shed: 2, rejectedTotal: 1 })
  t.equal(rig.frames, 0)
  t.equal(rig.stop(), 0)
})

const message = (text: string, n: number) => `<${n % 8}>1 2026-01-02T03:04:05Z h app - - - ${text}\n`

t.test('decoded events are shed by the severity that they are given', async (t) => {
  const rig = new IntakeRig({ ...RIG, decoded: true })
  rig.control.setShedBelow(5)
  const stream = rig.intake.openStream({ peer: 'p', framing: 'syslog-newline', onDrain() {} })
  // Priorities of facility 0: 0 is the most severe, of 10, 7 the least, of 1.
  const texts = Array.from({ length: 80 }, (_, n) => `text ${n}`)
  stream.write(Buffer.from(texts.map(message).join('')))
  stream.end(true)
  await rig.finish()
  t.same(
    rig.accepted.get('p'),
    texts.filter((_, n) => n % 8 < 5),
    'those of 10 9 8 7 5, whole and next to each other',
  )
  t.same(rig.counts.shedBy, [0, 10, 10, 10, 0, 0, 0, 0, 0, 0, 0])
  t.equal(rig.counts.received, 80)
  t.equal(rig.stop(), 0)
})
