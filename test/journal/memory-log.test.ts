import t from 'tap'
import type { Frame } from '../../src/journal/frame.ts'
import type { LogReader, TakenPart } from '../../src/journal/log.ts'
import { MemoryLog } from '../../src/journal/memory-log.ts'
import { eventIdPrefix } from '../../src/memory/event-id.ts'
import { LANES_BOTH, LANES_BULK, LANES_FAST } from '../../src/memory/frame-region.ts'

const EPOCH = 'fedcba9876543210'

class Rig {
  nowMs = 0
  readonly words = new Int32Array(1024)
  readonly released: number[] = []
  readonly log = new MemoryLog(
    { now: () => this.nowMs, wallClock: () => 0, setTimeout: () => ({ clear() {} }) },
    { words: this.words, epoch: EPOCH },
  )

  /** A frame of one record a character: `f` of the fast lane, `b` of bulk. */
  append(source: number, records: string, settled?: () => void, receivedAtMs = 0): Frame {
    const release = () => this.released.push(frame.position.sequence)
    const frame: Frame = {
      source,
      sourceName: `source ${source}`,
      region: 0,
      runs: 1,
      bytesFrom: 0,
      bytesTo: 10 * records.length,
      records: records.length,
      fast: records.replaceAll('b', '').length,
      breaks: 0,
      firstTimeMs: 0,
      lastTimeMs: 0,
      receivedAtMs,
      meantFor: null,
      routed: null,
      slab: 0,
      readBack: false,
      originSequence: 0,
      position: { segment: 0, offset: 0, sequence: 0 },
      committedAtMs: 0,
      holders: 0,
      release,
    }
    this.log.append({ frame, committed() {}, ...(settled === undefined ? undefined : { settled }) })
    return frame
  }

  reader(inputs: readonly number[], offered: number[] = [0, 0]): LogReader {
    return this.log.addReader({
      name: 'sink',
      inputs,
      filterIndex: -1,
      onOffered(bulk, fast) {
        offered[0]! += bulk
        offered[1]! += fast
      },
      onDiscarded() {},
      settledCounts: () => ({ delivered: [0, 0], deliveredBytes: 0, deadLettered: {}, discarded: {} }),
      onFrame() {},
      unsettled: nothing,
    })
  }
}

const nothing = (): TakenPart[] => []

t.test('a frame goes when the last reader of its source has settled it', async (t) => {
  const rig = new Rig()
  const offered = [0, 0]
  const [first, second] = [rig.reader([0], offered), rig.reader([0, 1])]
  rig.nowMs = 7
  rig.append(0, 'bbf')
  rig.append(1, 'b')
  rig.append(2, 'b')
  t.same(offered, [2, 1], 'counted for the readers of its source')
  t.same(rig.released, [3], 'what nobody reads goes at once')
  const taken = first.takeBulk()!
  t.same([taken.frame.position.sequence, taken.frame.committedAtMs, taken.events, taken.fast], [1, 7, 3, 1])
  t.equal(first.takeBulk(), null)
  t.equal(first.caughtUp, true)
  first.settle(taken, 1)
  first.settle(taken, 2)
  t.same(rig.released, [3])
  t.equal(second.waiting, 2)
  t.equal(second.backlogBytes, 40)
  for (const left of [second.takeBulk()!, second.takeBulk()!]) second.settle(left, left.events)
  t.same(rig.released, [3, 1, 2])
})

t.test('fast runs ahead, and bulk takes what it left', async (t) => {
  const rig = new Rig()
  const reader = rig.reader([0])
  for (const records of ['bb', 'bf', 'ff', 'b']) rig.append(0, records)
  t.same(reader.held(), [4, 3])
  const ahead = [reader.takeFast()!, reader.takeFast()!]
  t.same(
    ahead.map(({ frame, lanes, events }) => [frame.position.sequence, lanes, events]),
    [
      [2, LANES_FAST, 1],
      [3, LANES_FAST, 2],
    ],
  )
  t.same(reader.held(), [4, 0])
  t.equal(reader.takeFast(), null)
  const behind = [reader.takeBulk()!, reader.takeBulk()!]
  t.same(
    behind.map(({ frame, lanes, events }) => [frame.position.sequence, lanes, events]),
    [
      [1, LANES_BULK, 2],
      [2, LANES_BULK, 1],
    ],
    'the fast cursor has passed both',
  )
  for (const taken of [...ahead, ...behind]) reader.settle(taken, taken.events)
  t.same(rig.released, [1, 2], 'the third is still to be passed by bulk')
  const last = reader.takeBulk()!
  t.equal(last.frame.position.sequence, 4)
  t.same(rig.released, [1, 2, 3], 'bulk had nothing in it')
  reader.settle(last, 1)
  rig.append(0, 'bf')
  t.equal(reader.takeBulk()!.lanes, LANES_BOTH, 'together again')
})

t.test('who waits for delivery is told when all readers have settled', async (t) => {
  const rig = new Rig()
  const readers = [rig.reader([0]), rig.reader([0])]
  const told: string[] = []
  rig.append(0, 'bf', () => told.push('both'))
  rig.append(9, 'b', () => told.push('nobody'))
  t.same(told, ['nobody'])
  const [one, other] = readers.map((reader) => reader.takeBulk()!)
  readers[0]!.settle(one!, 2)
  readers[1]!.settle(other!, 1)
  t.same(told, ['nobody'])
  readers[1]!.settle(other!, 1)
  t.same(told, ['nobody', 'both'])
  rig.log.append({ frame: null, committed: () => told.push('committed'), settled: () => told.push('empty') })
  t.same(told.slice(2), ['committed', 'empty'])
})

t.test('a long queue is taken in order', async (t) => {
  const rig = new Rig()
  const reader = rig.reader([0])
  let next = 1
  for (let i = 1; i <= 5000; i++) {
    rig.append(0, 'b')
    if (i % 3 === 0) continue
    const { frame } = reader.takeBulk()!
    if (frame.position.sequence !== next++) t.fail(`frame ${next}`)
  }
  t.equal(reader.waiting, 5001 - next)
})

t.test('a frame is given its id', async (t) => {
  const rig = new Rig()
  rig.append(0, 'b')
  t.equal(eventIdPrefix(rig.words, 0), `${EPOCH}-1-`)
  rig.append(0, 'b')
  t.equal(eventIdPrefix(rig.words, 0), `${EPOCH}-2-`)
})

t.test('when the oldest event was received that is not taken, by lane', async (t) => {
  const rig = new Rig()
  const reader = rig.reader([0])
  t.same(reader.oldestReceivedAtMs!(), [Infinity, Infinity])
  for (const [receivedAtMs, records] of [
    [30, 'f'],
    [10, 'b'],
    [20, 'bf'],
  ] as const)
    rig.append(0, records, undefined, receivedAtMs)
  t.same(reader.oldestReceivedAtMs!(), [10, 20])
  reader.takeFast()
  reader.takeFast()
  t.same(reader.oldestReceivedAtMs!(), [10, Infinity])
  reader.takeBulk()
  t.same(reader.oldestReceivedAtMs!(), [20, Infinity])
})
