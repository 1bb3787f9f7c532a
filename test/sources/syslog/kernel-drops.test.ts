import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import t from 'tap'
import type { Test } from 'tap'
import { findSocket, KernelDrops } from '../../../src/sources/syslog/kernel-drops.ts'
import { receptionOf, receptionStops } from '../../../src/sources/syslog/reception.ts'
import { withoutIpv6, withoutProc } from './fixtures/host.ts'
import { until } from '../../helpers/until.ts'

const HEAD =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            '
const row = (inode: number, drops: number | string, unread = '00000000', uid = 0) =>
  ` 6001: 0100007F:158A 00000000:0000 07 00000000:${unread} 00:00000000 00000000  ${uid}        0 ${inode} 2 0000000087ba5dc7 ${drops}        `

const readLink = () => 'socket:[9]'
const fail = () => {
  throw new Error('ENOENT')
}

t.test('a socket is found by its inode', async (t) => {
  const table = [HEAD, row(41, 1, '00000000', 4242), row(4242, 77, '00000680'), row(42, 3)].join('\n')
  t.same(findSocket(table, 4242), { drops: 77, unreadBytes: 0x680 }, 'not by a user of that number')
  t.same(findSocket(table, 42), { drops: 3, unreadBytes: 0 })
  t.equal(findSocket(table, 424), undefined)
  t.equal(findSocket('', 42), undefined)
  t.same(findSocket(row(42, -1), 42), { drops: 2 ** 32 - 1, unreadBytes: 0 }, 'as older kernels write it')
})

t.test('a row of udp6', async (t) => {
  const line =
    '  773: 00000000000000000000000001000000:158A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 665275 2 0000000087ba5dc7 12'
  t.same(findSocket(`${HEAD}\n${line}`, 665_275), { drops: 12, unreadBytes: 0 })
})

t.test('the count goes on where the kernel begins again', async (t) => {
  let drops = 0
  let table = ''
  const read = (path: string) => {
    t.equal(path, '/proc/self/net/udp')
    return table
  }
  table = row(9, 0)
  const counted = KernelDrops.of({ family: 'udp4', fd: 3, read, readLink })!
  for (const next of [5, 4_294_967_290, 10]) {
    drops = next
    table = row(9, drops)
    t.ok(counted.look())
  }
  t.equal(counted.total, 4_294_967_296 + 10)
  table = HEAD
  t.notOk(counted.look())
  t.equal(counted.total, 4_294_967_296 + 10, 'what is known remains')
})

t.test('without /proc nothing is made up', async (t) => {
  t.equal(KernelDrops.of({ family: 'udp4', fd: 3, read: () => '', readLink: fail }), null)
  t.equal(KernelDrops.of({ family: 'udp4', fd: 3, read: fail, readLink }), null)
  t.equal(KernelDrops.of({ family: 'udp4', fd: 3, read: () => HEAD, readLink }), null)
  t.equal(KernelDrops.of({ family: 'udp4', fd: 3, read: () => HEAD, readLink: () => '/dev/null' }), null)
})

async function bound(test: Test, type: 'udp4' | 'udp6', address: string): Promise<Socket> {
  const socket = createSocket(type)
  test.teardown(() => new Promise<void>((resolve) => socket.close(() => resolve())))
  await new Promise<void>((resolve) => socket.bind(0, address, resolve))
  return socket
}

t.test('this Node can stop to receive', async (t) => {
  t.equal(await receptionStops(), true)
})

for (const [type, address, skip] of [
  ['udp4', '127.0.0.1', withoutProc],
  ['udp6', '::1', withoutProc === false ? withoutIpv6 : withoutProc],
] as const) {
  t.test(`${type}: not received, a flood is dropped by the kernel, and counted`, { skip }, async (t) => {
    const socket = await bound(t, type, address)
    socket.setRecvBufferSize(4096)
    let received = 0
    socket.on('message', () => received++)
    const reception = receptionOf(socket)!
    const drops = KernelDrops.of({ family: type, fd: reception.fd })!
    reception.stop()
    const sent = 500
    const { port } = socket.address()
    for (let n = 0; n < sent; n++) {
      await new Promise((resolve) => socket.send(Buffer.alloc(100), port, address, resolve))
    }
    t.ok(drops.look())
    t.equal(received, 0)
    t.ok(drops.total > 0)
    t.ok(drops.unreadBytes > 0)
    reception.start()
    await until(() => received + drops.total === sent)
    t.ok(drops.look())
    t.equal(drops.unreadBytes, 0)
  })
}
