/** A process with a socket for datagrams that counts what comes: what a collector of any kind pays on Node at least. */
import { createSocket } from 'node:dgram'
import { MIB } from '../src/base/units.ts'

/** As the collector's `receive_buffer`; the kernel grants what it may. */
const RECEIVE_BUFFER_BYTES = 4 * MIB

let received = 0
const socket = createSocket('udp4', () => received++)
socket.bind({ address: '127.0.0.1', port: 0, exclusive: true }, () => {
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
  process.send!(socket.address().port)
})
process.on('message', () => process.send!(received))
process.on('disconnect', () => socket.close())
