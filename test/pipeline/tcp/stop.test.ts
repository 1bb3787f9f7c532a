import { connect } from 'node:net'
import type { Socket } from 'node:net'
import t from 'tap'
import { startCollector } from '../../helpers/collector.ts'
import { socEvent } from '../../helpers/soc-event.ts'

const LINES = 5000
const body = Buffer.from(Array.from({ length: LINES }, (_, n) => `${socEvent(n)}\n`).join(''))

const config = `
data_dir: ./data
shutdown_timeout: 10s
sources: { lines: { type: tcp, listen: 127.0.0.1:0 } }
sinks: { nowhere: { type: blackhole, batch: { max_age: 10ms } } }`

function connectTo(address: string, options: { allowHalfOpen: boolean }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const port = Number(address.split(':').at(-1))
    const socket = connect({ port, host: '127.0.0.1', ...options }, () => resolve(socket))
    socket.on('error', reject)
    socket.resume()
  })
}

for (const allowHalfOpen of [false, true]) {
  t.test(
    `what a peer had sent before a stop is read${allowHalfOpen ? ', though it stays' : ''}`,
    async (t) => {
      const collector = await startCollector(t, config)
      const sockets = [
        await connectTo(collector.address('lines'), { allowHalfOpen }),
        await connectTo(collector.address('lines'), { allowHalfOpen }),
      ]
      t.teardown(() => sockets.forEach((socket) => socket.destroy()))
      // The kernel has it all, the collector nothing yet.
      await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.write(body, resolve))))
      const report = await collector.stop()
      const [source] = collector.ledger.sources
      t.equal(source!.received, 2 * LINES)
      t.equal(source!.accepted, 2 * LINES)
      t.same(
        { ...report, delivered: 0 },
        { delivered: 0, undelivered: 0, kept: 0, held: 0, uncommittedBytes: 0 },
      )
    },
  )
}

t.test('a peer that goes on sending is read for a while, no longer', async (t) => {
  const collector = await startCollector(t, config)
  const socket = await connectTo(collector.address('lines'), { allowHalfOpen: true })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.on('close', resolve))
  const line = `${socEvent(1)}\n`
  const sending = setInterval(() => socket.write(line), 10)
  t.teardown(() => clearInterval(sending))
  const before = performance.now()
  await collector.stop()
  t.ok(performance.now() - before < 3000)
  await closed
})
