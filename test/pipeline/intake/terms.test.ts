import t from 'tap'
import type { ExtentTerms } from '../../../src/pipeline/intake/extent-terms.ts'
import { socEvent } from '../../helpers/soc-event.ts'
import { IntakeRig } from './fixtures/intake-rig.ts'

const RIG = { slabBytes: 256 * 1024, slabs: 12 }
const forOne: ExtentTerms = { rules: 1, meantFor: [1] }
const forTwo: ExtentTerms = { rules: 0, meantFor: [0, 40] }

function write(rig: IntakeRig, peer: string, lines: readonly string[], terms?: ExtentTerms) {
  const options = { peer, framing: 'lines', onDrain() {}, onDone() {} } as const
  const stream = rig.intake.openStream(terms === undefined ? options : { ...options, terms })
  stream.write(Buffer.from(lines.map((line) => `${line}\n`).join('')))
  return stream
}

void t.test('streams share extents with those of their own terms alone, and keep their order', async (t) => {
  const rig = new IntakeRig(RIG)
  const streams = [
    write(rig, 'a', [socEvent(1)], forOne),
    write(rig, 'b', [socEvent(2)], forOne),
    write(rig, 'c', [socEvent(3)], forTwo),
    write(rig, 'd', [socEvent(4)]),
    write(rig, 'e', [socEvent(5)], forOne),
  ]
  for (const stream of streams) stream.end(true)
  await rig.finish()
  t.same(rig.committed, [
    { meantFor: [1], peers: ['a', 'b'] },
    { meantFor: [0, 40], peers: ['c'] },
    { meantFor: null, peers: ['d'] },
    { meantFor: [1], peers: ['e'] },
  ])
  t.match(rig.counts, { received: 5, accepted: 5 })
  t.equal(rig.stop(), 0)
})

void t.test('records are judged by the rules of their terms, which are not shed by', async (t) => {
  const rig = new IntakeRig(RIG)
  const streams = [
    write(rig, 'soc', ['{"id":1}', socEvent(1)], forOne),
    write(rig, 'any', ['{"id":2}', socEvent(2)], forTwo),
  ]
  rig.control.setShedBelow(10)
  streams.push(write(rig, 'soc', [socEvent(3)], forOne))
  for (const stream of streams) stream.end(true)
  await rig.finish()
  t.match(
    streams.map(({ accepted, rejected, shed }) => ({ accepted, rejected, shed })),
    [
      { accepted: 1, rejected: 1, shed: 0 },
      { accepted: 0, rejected: 0, shed: 2 },
      { accepted: 1, rejected: 0, shed: 0 },
    ],
  )
  t.match(rig.letters.get('soc'), [{ schema: 'soc', category: 'schema_violation' }])
  t.equal(rig.stop(), 0)
})

void t.test('a source that rests holds no slab', async (t) => {
  const rig = new IntakeRig(RIG)
  const stream = write(rig, 'a', [socEvent(1)], forOne)
  rig.intake.rest()
  t.equal(rig.intake.slabs().length, 1, 'what is not handed over stays')
  stream.end(true)
  await rig.finish()
  rig.intake.rest()
  t.equal(rig.intake.slabs().length, 0)
  rig.intake.rest()
  write(rig, 'b', [socEvent(2)], forOne).end(true)
  await rig.finish()
  t.equal(rig.counts.accepted, 2)
  t.equal(rig.stop(), 0)
})
