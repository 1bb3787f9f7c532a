import { execFileSync } from 'node:child_process'
import t from 'tap'
import { TcpRig, peerOf, write } from './fixtures/tcp-rig.ts'
import { until } from '../../helpers/until.ts'

const KIB = 1024
const record = (n: number, bytes = 0) => `{"n":${n},"pad":"${'x'.repeat(bytes)}"}`

t.test('idle_timeout ends a connection with an unfinished record; a quiet one is kept', async (t) => {
  const rig = await TcpRig.start(t, {}, { idleTimeoutMs: 400 })
  const [quiet, half, long] = [await rig.connect(), await rig.connect(), await rig.connect()]
  const peers = [quiet, half, long].map(peerOf)
  const ended = Promise.all(
    [half, long].map((socket) => new Promise((resolve) => socket.on('close', resolve))),
  )
  await write(quiet, `${record(0)}\n`)
  await write(half, `${record(1)}\n{"half":`)
  await write(long, `${record(2)}\n${record(3, 30_000).slice(0, 30_000)}`)
  await ended
  await rig.received(5)
  t.same(rig.refused, ['idle', 'idle'])
  t.match(rig.letters(peers[1]!), [{ category: 'bad_framing', record: '{"half":' }])
  t.match(rig.letters(peers[2]!), [{ category: 'bad_framing', record: record(3, 30_000).slice(0, 30_000) }])
  await write(quiet, `${record(4)}\n`)
  await rig.received(6)
  t.same(rig.accepted(quiet), [record(0), record(4)], 'long after idle_timeout')
})

t.test('a connection is not idle while it is not read', async (t) => {
  const rig = await TcpRig.start(t, {}, { idleTimeoutMs: 300 })
  rig.holding = true
  const sockets = await Promise.all(Array.from({ length: 6 }, () => rig.connect()))
  const lines = Array.from({ length: 4000 }, (_, n) => record(n, 200))
  for (const socket of sockets) socket.write(`${lines.join('\n')}\n`)
  await until(() => rig.rig.intake.full)
  await new Promise((resolve) => setTimeout(resolve, 700))
  t.same(rig.refused, [])
  rig.holding = false
  await rig.received(sockets.length * lines.length)
  for (const socket of sockets) t.equal(rig.accepted(socket).length, lines.length)
  t.same(rig.refused, [])
})

t.test('max_connections: one more is closed at once, and when one has gone there is room', async (t) => {
  const rig = await TcpRig.start(t, {}, { maxConnections: 2 })
  const [first] = [await rig.connect(), await rig.connect()]
  const third = await rig.connect()
  await new Promise((resolve) => third.on('close', resolve))
  t.same(rig.refused, ['limit'])
  first.end()
  await new Promise((resolve) => first.on('close', resolve))
  const fourth = await rig.connect()
  await write(fourth, `${record(4)}\n`)
  await rig.received(1)
  t.same(rig.accepted(fourth), [record(4)])
})

t.test('long unfinished records wait for lanes, in nobody else’s way', async (t) => {
  const rig = await TcpRig.start(t)
  const long = record(1, 40_000)
  const sockets = await Promise.all(Array.from({ length: 20 }, () => rig.connect()))
  for (const socket of sockets) socket.write(long.slice(0, 20_000))
  const other = await rig.connect()
  await until(() => rig.rig.intake.lanesWanted)
  await write(other, `${record(2)}\n`)
  await rig.received(1)
  t.same(rig.accepted(other), [record(2)], 'whole records go on')
  for (const socket of sockets) socket.write(`${long.slice(20_000)}\n`)
  await rig.received(21)
  for (const socket of sockets) t.same(rig.accepted(socket), [long])
})

t.test('lanes that quiet connections once needed go to those that need them now', async (t) => {
  const rig = await TcpRig.start(t)
  const long = record(1, 40_000)
  const rounds = [await many(rig, 8), await many(rig, 8)]
  for (const [round, sockets] of rounds.entries()) {
    // In two pieces, so that each needs a lane; then they stay, and say nothing more.
    for (const socket of sockets) socket.write(long.slice(0, 20_000))
    await until(() => rig.rig.intake.uncommittedBytes === sockets.length * 20_000)
    for (const socket of sockets) socket.write(`${long.slice(20_000)}\n`)
    await rig.received((round + 1) * sockets.length)
  }
  t.equal(rig.rig.counts.accepted, 16)
})

t.test('a full arena: TCP is not read, and nothing is lost', async (t) => {
  const rig = await TcpRig.start(t, { slabs: 16 })
  rig.holding = true
  const lines = Array.from({ length: 20_000 }, (_, n) => record(n, 300))
  const text = Buffer.from(`${lines.join('\n')}\n`)
  const sockets = await many(rig, 4)
  for (const socket of sockets) socket.end(text)
  const { intake, counts } = rig.rig
  await until(() => intake.full && !intake.idle)
  let before = -1
  await until(() => {
    const still = before === sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, counts.received)
    before = sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, counts.received)
    return still && rig.rig.tasks === 0
  })
  t.ok(counts.receivedBytes + intake.uncommittedBytes <= 17 * 128 * KIB, 'no more was read than fits')
  rig.holding = false
  const peers = sockets.map(peerOf)
  await rig.received(4 * lines.length)
  for (const peer of peers) t.ok(rig.accepted(peer).every((line, n) => line === lines[n]))
})

const HALVES = 5000
const filesMax = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }))
const tooFewFiles = filesMax < 2 * HALVES + 200 && `this shell may open ${filesMax} files`

t.test('5,000 connections, each with half a record', { skip: tooFewFiles }, async (t) => {
  const count = HALVES
  const rig = await TcpRig.start(t, { slabBytes: 1024 * KIB, slabs: 24 })
  const sockets = []
  for (let i = 0; i < count; i += 250) {
    sockets.push(...(await many(rig, 250)))
  }
  const peers = sockets.map(peerOf)
  sockets.forEach((socket, n) => socket.write(`{"n":${n},"pad":"${'x'.repeat(n % 3000)}`))
  const wanted = sockets.reduce((sum, _, n) => sum + `{"n":${n},"pad":"`.length + (n % 3000), 0)
  await until(() => rig.rig.intake.uncommittedBytes === wanted)
  t.equal(rig.rig.counts.received, 0)
  t.equal(rig.rig.intake.full, false)
  for (const socket of sockets) socket.write('"}\n')
  await rig.received(count)
  const wrong = peers.filter((peer, n) => rig.accepted(peer)[0] !== record(n, n % 3000))
  t.same(wrong, [])
})

function many(rig: TcpRig, count: number) {
  return Promise.all(Array.from({ length: count }, () => rig.connect()))
}
