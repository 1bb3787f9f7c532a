import t from 'tap'
import { lostError } from '../../../src/commands/send/connection.ts'
import type { Connection } from '../../../src/commands/send/connection.ts'
import { Pump } from '../../../src/commands/send/pump.ts'
import type { PumpOptions } from '../../../src/commands/send/pump.ts'
import { SyntheticSupply } from '../../../src/commands/send/supply.ts'
import { Tally } from '../../../src/commands/send/tally.ts'
import { FIRST_NUMBER, makeTemplates } from '../../../src/commands/send/template.ts'

function options(connections: readonly Connection[], changes: Partial<PumpOptions> = {}): PumpOptions {
  return {
    supply: new SyntheticSupply({
      format: 'json',
      templates: makeTemplates({ format: 'json', framing: 'newline', seed: 1, count: 10 }),
      firstNumber: FIRST_NUMBER,
      wallClock: () => 0,
    }),
    connections,
    batchEventsMax: 10,
    eventsMax: 100,
    dueBy: () => Infinity,
    durationMs: Infinity,
    tally: new Tally(),
    stop: new AbortController().signal,
    graceMs: 20,
    end: new AbortController().signal,
    ...changes,
  }
}

/** A connection that does with each batch what it is told, and notes its numbers of events. */
function connection(send: Connection['send'], batchesMax = 2) {
  const noted: number[] = []
  const made: Connection & { noted: number[]; closed: number } = {
    noted,
    closed: 0,
    batchesMax,
    open: async () => {},
    send: (batch) => {
      noted.push(batch.events)
      return send(batch)
    },
    close: async () => void made.closed++,
  }
  return made
}

const take = async () => true

t.test('all connections are used, and the count is met', async (t) => {
  const connections = [connection(take), connection(take, 1)]
  const pump = new Pump(options(connections, { eventsMax: 95 }))
  await pump.run()
  const sent = connections.flatMap(({ noted }) => noted)
  t.equal(
    sent.reduce((sum, events) => sum + events, 0),
    95,
  )
  t.same(
    sent.filter((events) => events !== 10),
    [5],
  )
  t.ok(connections.every(({ closed, noted }) => closed === 1 && noted.length > 0))
  t.equal(pump.given, 95)
})

t.test('what is due decides the batches; what is not sent in time is behind', async (t) => {
  const never = connection(take)
  const pump = new Pump(options([never], { dueBy: (elapsedMs) => elapsedMs / 2, durationMs: 150 }))
  t.equal(pump.behind, 0)
  await pump.run()
  t.ok(pump.given > 0 && pump.given <= 75, `${pump.given} in 150 ms at 500 a second`)
  const stuck = connection(() => new Promise(() => {}), 1)
  const stop = new AbortController()
  const late = new Pump(options([stuck], { dueBy: () => 55, stop: stop.signal }))
  const running = late.run()
  while (stuck.noted.length === 0) await new Promise((resolve) => setImmediate(resolve))
  t.equal(late.behind, 45)
  stop.abort()
  await running
})

t.test('a stop gives what is on its way a moment, then it is given up', async (t) => {
  const stop = new AbortController()
  const tally = new Tally()
  const stuck = connection(() => new Promise(() => {}))
  const stopped = connection(async () => {
    stop.abort()
    return false
  }, 1)
  await new Pump(options([stuck, stopped], { stop: stop.signal, tally })).run()
  t.equal(tally.unsent, 30, 'two batches are stuck, one was given up')
  t.equal(stuck.closed, 1)
})

t.test('a failure ends the run, all connections closed', async (t) => {
  const stuck = connection(() => new Promise(() => {}))
  const broken = connection(async () => await Promise.reject(lostError('tcp://x', new Error('gone'))))
  await t.rejects(new Pump(options([stuck, broken], { graceMs: 60_000 })).run(), {
    code: 'SPW_ERR_SEND_LOST',
  })
  t.same([stuck.closed, broken.closed], [1, 1])
})
