import t from 'tap'
import { EXTENT_RUNS_MAX } from '../../../src/memory/frame-region.ts'
import { EXTENTS_PER_SLAB_MAX } from '../../../src/pipeline/intake/lane.ts'
import type { Framing, Stream } from '../../../src/pipeline/intake/stream.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { IntakeRig, turnOfLoop } from './fixtures/intake-rig.ts'

const KIB = 1024
const SMALL = { slabBytes: 128 * KIB, slabs: 10 }

function open(rig: IntakeRig, peer = 'p', framing: Framing = 'lines') {
  const state: { drained: number; done: Stream | null } = { drained: 0, done: null }
  const stream = rig.intake.openStream({
    peer,
    framing,
    onDrain: () => state.drained++,
    onDone: (done) => (state.done = done),
  })
  return { stream, state }
}

/** Fills the source's share with lines nobody settles. */
function fill(rig: IntakeRig): void {
  const { stream } = open(rig, 'filler')
  const chunk = Buffer.from(`${'{"f":1}'.padEnd(999)}\n`.repeat(60))
  for (;;) {
    const went = stream.write(chunk)
    while (rig.tasks > 0) rig.work()
    if (!went) break
  }
  stream.end(true)
}

t.test('uncommitted bytes are those written and not yet committed', async (t) => {
  for (const framing of ['lines', 'documents', 'auto'] as const) {
    const random = seededRandom(7)
    const rig = new IntakeRig({ ...SMALL, random })
    const streams = Array.from({ length: 6 }, (_, i) => open(rig, `p${i}`, framing).stream)
    const ready = new Set(streams)
    let written = 0
    for (let turn = 0; turn < 3000; turn++) {
      const stream = streams[Math.floor(random() * 6)]!
      if (ready.has(stream) && !stream.waiting) {
        const line = `{"n":${turn},"pad":"${'x'.repeat(random() * 5000)}"}\n`
        written += line.length
        stream.write(Buffer.from(line))
      }
      if (random() < 0.3) rig.clock.pass(5)
      if (random() < 0.3) rig.work()
      if (random() < 0.3) rig.settle()
      await turnOfLoop()
      const { receivedBytes } = rig.counts
      if (rig.intake.uncommittedBytes !== written - receivedBytes) {
        t.equal(rig.intake.uncommittedBytes, written - receivedBytes, `${framing}, turn ${turn}`)
        break
      }
    }
    for (const stream of streams) stream.end(true)
    await rig.finish()
    t.equal(rig.intake.uncommittedBytes, 0, framing)
    t.equal(rig.stop(), 0)
  }
})

t.test('a stream that ends while the ring is full ends when there is room in it', async (t) => {
  const rig = new IntakeRig({ ...SMALL, ringEntries: 1 })
  const [first, second] = [open(rig, 'a'), open(rig, 'b')]
  t.equal(second.stream.lineWriter!.openLane(), true)
  first.stream.write(Buffer.from('{"a":1}\n'))
  first.stream.end(true)
  rig.clock.pass(5)
  t.equal(rig.extents.full, true)
  second.stream.write(Buffer.from('{"b":1}\n{"b":2}'))
  second.stream.end(true)
  t.equal(second.state.done, null)
  await rig.finish()
  t.ok(first.state.done !== null && second.state.done !== null)
  t.same(rig.accepted.get('b'), ['{"b":1}', '{"b":2}'])
  t.equal(rig.stop(), 0)
})

t.test('thousands that wait: each is resumed once for each time it can go on', async (t) => {
  const rig = new IntakeRig({ ...SMALL, blocks: 4000 })
  fill(rig)
  const waiting = Array.from({ length: 3000 }, (_, i) => open(rig, `w${i}`))
  const line = Buffer.from(`${'{"w":1}'.padEnd(999)}\n`)
  t.ok(waiting.every(({ stream }) => !stream.write(line)))
  let resumed = 0
  for (const { stream } of waiting) {
    const resume = stream.resume.bind(stream)
    stream.resume = () => {
      resumed++
      resume()
    }
  }
  await rig.finish()
  t.equal(rig.counts.accepted % 60, 3000 % 60)
  t.ok(waiting.every(({ state }) => state.drained === 1))
  t.ok(resumed < 3000 + 200, `${resumed} calls`)
  for (const { stream } of waiting) stream.end(true)
  await rig.finish()
  t.equal(rig.stop(), 0)
})

t.test('those that wait go first, in their order', async (t) => {
  const rig = new IntakeRig(SMALL)
  fill(rig)
  const names = ['a', 'b', 'c', 'd']
  const streams = names.map((name) => open(rig, name).stream)
  const before = rig.counts.accepted
  for (const stream of streams) stream.write(Buffer.from('{"first":1}\n'))
  for (const stream of streams.toReversed()) stream.write(Buffer.from('{"second":1}\n'))
  t.equal(rig.counts.accepted, before)
  await rig.finish()
  t.same([...rig.accepted.keys()], ['filler', ...names])
  for (const name of names) t.same(rig.accepted.get(name), ['{"first":1}', '{"second":1}'])
})

t.test('more streams than an extent may have runs', async (t) => {
  const rig = new IntakeRig({ slabBytes: 1024 * KIB, slabs: 10 })
  const streams = Array.from({ length: 2 * EXTENT_RUNS_MAX + 5 }, (_, i) => open(rig, `p${i}`))
  for (const { stream } of streams) {
    stream.write(Buffer.from('{}\n'))
    stream.end(true)
  }
  await rig.finish()
  t.equal(rig.counts.accepted, streams.length)
  t.ok(streams.every(({ state }) => state.done?.accepted === 1))
  t.equal(rig.stop(), 0)
})

t.test('tiny records after long ones, and only bad ones: extents in parts', async (t) => {
  const rig = new IntakeRig({ slabBytes: 1024 * KIB, slabs: 10, maxRecordBytes: 512 * KIB })
  const { stream, state } = open(rig)
  const write = async (text: string) => {
    for (let at = 0; at < text.length; at += 64 * KIB) {
      stream.write(Buffer.from(text.slice(at, at + 64 * KIB)))
      await rig.finish()
    }
  }
  await write(`{"pad":"${'x'.repeat(200_000)}"}\n`.repeat(10))
  const tasks = rig.tasksDone
  await write('{}\n'.repeat(100_000))
  t.ok(rig.tasksDone - tasks < 30, `the mean follows: ${rig.tasksDone - tasks} tasks for five extents`)
  await write('!\n'.repeat(100_000))
  stream.end(true)
  await rig.finish()
  t.same([state.done?.accepted, state.done?.rejected], [100_010, 100_000])
  t.equal(rig.letters.get('p')!.length, 100_000)
  t.equal(rig.stop(), 0)
})

t.test('a document that is undecided for longer than its slab has tables for', async (t) => {
  const rig = new IntakeRig({ slabBytes: 1024 * KIB, slabs: 10, maxRecordBytes: 512 * KIB })
  const tiny = open(rig, 'tiny')
  tiny.stream.write(Buffer.from('{}\n'.repeat(20_000)))
  tiny.stream.end(true)
  await rig.finish()
  const { stream, state } = open(rig, 'p', 'documents')
  const body = Buffer.from(`{"logs":[${'{"a":1},'.repeat(60_000)}{"a":1}]}`)
  for (let at = 0; at < body.length; at += 64 * KIB) {
    stream.write(body.subarray(at, at + 64 * KIB))
    await rig.finish()
  }
  stream.end(true)
  await rig.finish()
  t.equal(state.done?.accepted, 60_001)
  t.equal(rig.stop(), 0)
})

t.test('all lanes get their turn, however much others have', async (t) => {
  const rig = new IntakeRig({ slabBytes: 1024 * KIB, slabs: 16, workerCount: 1 })
  const [hot, cold] = [open(rig, 'hot'), open(rig, 'cold')]
  t.equal(hot.stream.lineWriter!.openLane(), true)
  const chunk = Buffer.from(`${'{"h":1}'.padEnd(999)}\n`.repeat(60))
  cold.stream.write(Buffer.from('{"c":1}\n'))
  for (let turn = 0; turn < 20 && !rig.accepted.has('cold'); turn++) {
    for (let i = 0; i < 3; i++) hot.stream.write(chunk)
    rig.clock.pass(5)
    rig.work()
    await turnOfLoop()
    rig.settle()
  }
  t.same(rig.accepted.get('cold'), ['{"c":1}'], 'though the hot lane always has more')
  hot.stream.end(true)
  cold.stream.end(true)
  await rig.finish()
  t.equal(rig.stop(), 0)
})

t.test('tiny extents before a dead sink: a bounded number of frames, then backpressure', async (t) => {
  const rig = new IntakeRig({ slabBytes: 128 * KIB, slabs: 12 })
  const { stream } = open(rig)
  const line = Buffer.from('{"n":1}\n')
  const framesMax = 12 * EXTENTS_PER_SLAB_MAX
  let extents = 0
  let rounds = 0
  while (extents < 100_000) {
    let went = true
    while (went) {
      went = stream.write(line)
      rig.clock.pass(5)
      while (rig.tasks > 0) rig.work()
      extents++
      await Promise.resolve()
      if (extents % 64 === 0) {
        await turnOfLoop()
      }
    }
    rounds++
    if (rig.framesHeld > framesMax) t.fail(`${rig.framesHeld} frames`)
    await rig.finish()
  }
  t.ok(rounds > 1, `${extents} extents, ${rounds} times full`)
  stream.end(true)
  await rig.finish()
  t.equal(rig.counts.accepted, extents)
  t.equal(rig.stop(), 0)
})

t.test('a stop with lanes and waiting streams left lets go of all slabs', async (t) => {
  const rig = new IntakeRig(SMALL)
  const streams = [open(rig, 'a'), open(rig, 'b'), open(rig, 'c', 'documents')]
  streams[0]!.stream.lineWriter!.openLane()
  for (const { stream } of streams) stream.write(Buffer.from('{"half":'))
  streams[2]!.stream.write(Buffer.alloc(100 * KIB, 0x20))
  t.equal(rig.stop(), 0)
  for (const { stream } of streams) stream.end(false)
  t.equal(rig.pool.freeCount, SMALL.slabs, 'also when the streams end later')
})
