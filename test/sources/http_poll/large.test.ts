/** An answer far larger than the memory that it passes through. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { MIB } from '../../../src/base/units.ts'
import { POLL_BODY_IN_FLIGHT_BYTES } from '../../../src/pipeline/limits.ts'
import { PolledServer, settled, startPolling } from './fixtures/poll-rig.ts'

const ANSWER_BYTES = 256 * MIB
const EVENTS_PER_BLOCK = 512
const PADDING = 'x'.repeat(1000)

/** An envelope of so many bytes, with other keys around its events, which are numbered. */
async function answerEnormously(counts: { sent: number }, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"next":null,"logs":[')
  for (let bytes = 0; bytes < ANSWER_BYTES && !response.destroyed;) {
    const events = Array.from({ length: EVENTS_PER_BLOCK }, () => `{"n":${counts.sent++},"p":"${PADDING}"}`)
    const block = `${bytes === 0 ? '' : ','}${events.join(',')}`
    bytes += block.length
    // oxlint-disable-next-line no-await-in-loop
    if (!response.write(block)) await once(response, 'drain')
  }
  response.end('],"took":12,"shards":{"failed":0}}')
}

t.test('through an arena of 4 MiB to a sink that takes its time', async (t) => {
  const counts = { sent: 0 }
  const server = await PolledServer.start(t, { '/': (response) => void answerEnormously(counts, response) })
  const rig = await startPolling(t, {
    urls: [`${server.origin}/`],
    // All in one process, which may be busy.
    keys: 'request: { timeout: 100s }, idle_timeout: 100s',
    batchBytes: '240KiB',
    arena: '{ slab_bytes: 256KiB, arena_bytes: 4MiB }',
  })
  let received = 0
  let outOfOrder = 0
  let held = 0
  const { intake } = rig.collector.topology.sources[0]!
  /** Most memory in use until a quarter has come, and after that. */
  let early = 0
  let late = 0
  rig.receiver.answer = async (_request, body) => {
    rig.receiver.lines.length = 0
    // Now and then it thinks for a while.
    if (received % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    for (let at = 0; at < body.length; at = body.indexOf('\n', at) + 1) {
      if (!body.startsWith(`{"n":${received},`, at)) outOfOrder++
      received++
    }
    held = Math.max(held, intake.heldByStreams)
    const rss = process.memoryUsage.rss()
    if (received < 64_000) early = Math.max(early, rss)
    else late = Math.max(late, rss)
    return 200
  }
  await settled(rig)
  await rig.collector.stop()
  t.same(rig.lastErrors(), [null])
  t.equal(received, counts.sent)
  t.equal(outOfOrder, 0)
  t.ok(received > 250_000)
  t.ok(held <= POLL_BODY_IN_FLIGHT_BYTES, `${held} bytes outside of the arena`)
  // The server and the receiver live here too, with their garbage.
  t.ok(late - early < 160 * MIB, `${Math.round((late - early) / MIB)} MiB more later on`)
})
