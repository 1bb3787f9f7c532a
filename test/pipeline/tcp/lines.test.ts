import t from 'tap'
import { DEAD_LETTER_RECORD_BYTES_MAX } from '../../../src/encode/dead-letter.ts'
import { kernelReadWorks } from '../../../src/pipeline/tcp/kernel-read.ts'
import { TcpRig, peerOf, write } from './fixtures/tcp-rig.ts'
import { until } from '../../helpers/until.ts'

const KIB = 1024
const record = (n: number, bytes = 0) => `{"n":${n},"pad":"${'x'.repeat(bytes)}"}`
const numbers = (count: number, bytes = 0) => Array.from({ length: count }, (_, n) => record(n, bytes))

t.test('this Node reads from the kernel into memory of our choice', async (t) => {
  t.equal(await kernelReadWorks(), true)
  const rig = await TcpRig.start(t)
  t.same(rig.refused, [], 'and the source does')
})

for (const kernelRead of [true, false]) {
  const how = kernelRead ? 'from the kernel into the arena' : "with 'data' events"
  t.test(`reading ${how}`, async (t) => {
    t.test('one byte at a time, CRLF, a BOM, blank lines, a last line without an end', async (t) => {
      const rig = await TcpRig.start(t, {}, {}, kernelRead)
      const socket = await rig.connect()
      const peer = peerOf(socket)
      const bytes = Buffer.from(`\ufeff${record(0)}\r\n\r\n\n${record(1)}\n  \n{"é":"ü"}\r\n${record(2)}`)
      for (const byte of bytes) {
        await write(socket, Uint8Array.of(byte))
      }
      socket.end()
      await rig.received(4)
      t.same(
        rig.accepted(peer).map((text) => Buffer.from(text, 'latin1').toString()),
        [record(0), record(1), '{"é":"ü"}', record(2)],
      )
      t.same(rig.letters(peer), [])
    })

    t.test('a connection that breaks off leaves bad_framing behind', async (t) => {
      const rig = await TcpRig.start(t, {}, {}, kernelRead)
      const socket = await rig.connect()
      const peer = peerOf(socket)
      await write(socket, `${record(0)}\n{"n":1,`)
      await rig.received(1)
      socket.resetAndDestroy()
      await rig.received(2)
      t.same(rig.accepted(peer), [record(0)])
      t.match(rig.letters(peer), [{ category: 'bad_framing', record: '{"n":1,' }])
    })

    t.test('bad records of all kinds, neighbours unhurt', async (t) => {
      const max = 64 * KIB
      const rig = await TcpRig.start(t, {}, {}, kernelRead)
      const socket = await rig.connect()
      const peer = peerOf(socket)
      const sized = (bytes: number) => record(9, bytes - record(9).length)
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
      const bad = [
        ['oversize_record', 'x'.repeat(1_000_000)],
        ['oversize_record', sized(max + 1)],
        ['malformed_json', '{"nul":"\u0000"}'],
        ['invalid_utf8', '{"a":"\u00ff\u00fe"}'],
        ['oversize_record', deep],
        ['oversize_record', sized(3 * max)],
        ['malformed_json', '\u0000\u0000\u0000'],
      ] as const
      let bytes = `${record(0)}\n`
      bad.forEach(([, text], n) => (bytes += `${text}\n${record(n + 1)}\n`))
      bytes += `${sized(max)}\n${sized(max - 1)}\n`
      await write(socket, Buffer.from(bytes, 'latin1'))
      await rig.received(2 * bad.length + 3)
      t.same(rig.accepted(peer), [...numbers(bad.length + 1), sized(max), sized(max - 1)])
      t.same(
        rig
          .letters(peer)
          .map((letter) => [letter.category, letter.record, letter.length ?? letter.record.length]),
        bad.map(([category, text]) => [category, text.slice(0, DEAD_LETTER_RECORD_BYTES_MAX), text.length]),
      )
    })

    t.test('two busy connections and many quiet ones: all lines, in order', async (t) => {
      const rig = await TcpRig.start(t, { slabBytes: 256 * KIB, slabs: 24 }, {}, kernelRead)
      const lines = numbers(10_000, 200)
      const few = numbers(50)
      const busy = await Promise.all([rig.connect(), rig.connect()])
      const quiet = await Promise.all(Array.from({ length: 50 }, () => rig.connect()))
      const peers = [...busy, ...quiet].map(peerOf)
      let lanes = 0
      const watch = setInterval(() => (lanes = Math.max(lanes, rig.rig.intake.slabs().length)), 1)
      for (const socket of busy) socket.end(`${lines.join('\n')}\n`)
      for (const line of few) {
        for (const socket of quiet) socket.write(`${line}\n`)
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (const socket of quiet) socket.end()
      await rig.received(2 * lines.length + 50 * few.length)
      clearInterval(watch)
      peers.forEach((peer, i) =>
        t.ok(equal(rig.accepted(peer), i < 2 ? lines : few), `connection ${i}: each line once, in order`),
      )
      if (kernelRead) t.ok(lanes >= 2, `busy connections had lanes of their own (${lanes} lanes)`)
    })

    t.test('a busy connection that becomes quiet gives its lane back, and is busy again', async (t) => {
      const rig = await TcpRig.start(t, { slabBytes: 256 * KIB, slabs: 24 }, {}, kernelRead)
      const socket = await rig.connect()
      const lines = numbers(16_000, 200)
      const sent: string[] = []
      for (const part of [0, 1]) {
        const now = lines.slice(part * 8000, (part + 1) * 8000)
        // The beginning of a line stays behind when it becomes cold, and is finished later.
        await write(socket, `${sent.length > 0 ? '}\n' : ''}${now.join('\n')}\n{"half":${part}`)
        if (sent.length > 0) sent.push('{"half":0}')
        sent.push(...now)
        await rig.received(sent.length)
        await until(() => rig.rig.intake.slabs().length <= 1)
      }
      await write(socket, '}\n')
      sent.push('{"half":1}')
      await rig.received(sent.length)
      t.ok(equal(rig.accepted(socket), sent), 'every line once, in order')
    })
  })
}

t.test('without reading from the kernel the source says so', async (t) => {
  const rig = await TcpRig.start(t, {}, {}, false)
  t.same(rig.refused, ['no kernel read'])
})

function equal(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i])
}
