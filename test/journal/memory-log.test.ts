import t from 'tap'
import type { Frame } from '../../src/journal/frame.ts'
import { MemoryLog } from '../../src/journal/memory-log.ts'

function frameOf(log: MemoryLog, source: number, onRelease: () => void): Frame {
  return {
    sequence: log.nextSequence(),
    source,
    region: 0,
    runs: 0,
    bytesFrom: 0,
    bytesTo: 0,
    records: 1,
    fast: 0,
    breaks: 0,
    firstTimeMs: 0,
    lastTimeMs: 0,
    receivedAtMs: 0,
    routed: null,
    holders: 0,
    release: onRelease,
  }
}

function logAt(times: { nowMs: number }): MemoryLog {
  return new MemoryLog({
    now: () => times.nowMs,
    wallClock: () => 0,
    setTimeout: () => ({ clear: () => {} }),
  })
}

t.test('a frame is let go when the last of its readers has settled it', async (t) => {
  const log = new MemoryLog()
  const first = log.addReader(
    () => true,
    () => {},
  )
  const second = log.addReader(
    (source) => source === 1,
    () => true,
  )
  let released = 0
  const frames = [0, 1].map((source) => frameOf(log, source, () => released++))
  for (const frame of frames) log.append(frame)
  t.strictSame([first.waiting, second.waiting], [2, 1])
  t.equal(first.next(), frames[0])
  first.settle(frames[0]!)
  t.equal(released, 1)
  t.equal(first.next(), frames[1])
  t.equal(first.next(), null)
  t.equal(second.next(), frames[1])
  second.settle(frames[1]!)
  t.equal(released, 1)
  first.settle(frames[1]!)
  t.equal(released, 2)
  t.throws(() => first.settle(frames[1]!), /once/)
})

t.test('a frame that nobody wants is let go at once', async (t) => {
  const log = new MemoryLog()
  let asked = 0
  const reader = log.addReader(
    (source) => source === 1,
    () => {
      asked++
      return false
    },
  )
  let released = 0
  log.append(frameOf(log, 0, () => released++))
  t.strictSame([released, asked], [1, 0])
  log.append(frameOf(log, 1, () => released++))
  t.strictSame([released, asked, reader.waiting], [2, 1, 0])
})

t.test('tells when a frame was committed, and visits those that wait, over many frames', async (t) => {
  const times = { nowMs: 0 }
  const log = logAt(times)
  const reader = log.addReader(
    () => true,
    () => true,
  )
  let next = 0
  for (let nowMs = 0; nowMs < 5000; nowMs++) {
    times.nowMs = nowMs
    log.append(frameOf(log, 0, () => {}))
    if (nowMs % 3 === 0) continue
    const { sequence } = reader.next()!
    if (sequence !== next + 1 || reader.committedAtMs !== next) t.fail(`frame ${next}`)
    next++
  }
  const waiting: number[] = []
  reader.forEachWaiting(({ sequence }) => waiting.push(sequence))
  t.equal(waiting.length, reader.waiting)
  t.strictSame([waiting[0], waiting.at(-1)], [next + 1, 5000])
})
