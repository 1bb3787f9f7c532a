import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { Connection } from '../../../src/sources/http/connection.ts'
import type { Exchange } from '../../../src/sources/http/exchange.ts'
import { Front } from '../../../src/sources/http/front.ts'
import type { FrontDoor } from '../../../src/sources/http/front.ts'

/** A socket of which the kernel has more to tell after its end was decided. */
class StubSocket extends EventEmitter {
  readonly written: string[] = []
  destroyed = false

  write(text: string): boolean {
    this.written.push(text)
    return true
  }

  pause(): void {}

  resume(): void {}

  destroySoon(): void {
    this.destroyed = true
  }
}

t.test('what comes behind the end of an early answer is nobody’s', (t) => {
  const socket = new StubSocket()
  const connection = new Connection(socket as unknown as Socket, systemClock)
  let admitted = 0
  const bodies: string[] = []
  const exchange: Partial<Exchange> = {
    admit() {},
    body: (chunk: Buffer) => void bodies.push(chunk.toString()),
    bodyEnded() {},
  }
  const door: Partial<FrontDoor> = {
    keepAliveFields: '',
    handOver: () => t.fail('not a byte of it is for node:http'),
    admitted() {
      admitted++
      return exchange as Exchange
    },
  }
  const front = new Front(door as FrontDoor, connection)
  front.read(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab'))
  front.answer(400, { connection: 'close' }, 'too bad', false)
  front.end()
  t.ok(socket.destroyed)
  front.read(Buffer.from('c'))
  front.read(Buffer.from('defghiPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'))
  t.equal(admitted, 1)
  t.same(bodies, ['ab'])
  t.end()
})
