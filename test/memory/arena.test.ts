import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import t from 'tap'
import { Arena } from '../../src/memory/arena.ts'
import type { ArenaParts } from '../../src/memory/arena.ts'
import { ENTRY, ExtentRing, STATE } from '../../src/memory/extent-ring.ts'

t.test('slabs of an arena, and line feeds behind the last', async (t) => {
  const arena = Arena.create(4 * 65_536, 65_536)
  t.equal(arena.slabCount, 4)
  t.equal(arena.slabStart(3), 3 * 65_536)
  t.equal(arena.slabOf(arena.slabStart(3)), 3)
  t.equal(arena.slabOf(arena.slabStart(3) - 1), 2)
  t.ok(arena.bytes.subarray(4 * 65_536, 4 * 65_536 + 64).every((byte) => byte === 0x0a))
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(arena.parts)
  const other = new Arena(receiveMessageOnPort(port2)!.message as ArenaParts)
  port1.close()
  t.equal(other.slabCount, 4, 'the same on another thread')
  arena.bytes[7] = 4
  t.equal(other.bytes[7], 4)
  t.throws(() => Arena.create(1 << 20, 1000), /whole pages/)
  t.throws(() => Arena.create(1 << 26, 1 << 25), /24 bits/)
})

t.test('a ring entry: its state, and the record on the slow path', async (t) => {
  const ring = ExtentRing.create(3)
  const other = new ExtentRing(ring.buffer)
  ring.setState(2, STATE.WORKING)
  ring.enterSlow(2, 4711)
  t.same([other.state(2), other.slowRecord(2), other.slowCount(2)], [STATE.WORKING, 4711, 1])
  t.same([other.state(1), other.slowRecord(1), other.slowCount(1)], [STATE.FREE, 0, 0])
  ring.leaveSlow(2)
  t.same([other.slowRecord(2), other.slowCount(2)], [0, 1])
  t.equal(ring.base(2) + ENTRY.STATE, 256)
})
