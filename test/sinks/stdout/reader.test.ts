import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { StdoutSink } from '../../../src/sinks/stdout/index.ts'
import { NEVER, payloadOf } from '../fixtures/configs.ts'

const WRITER = fileURLToPath(new URL('fixtures/writer.ts', import.meta.url))

t.test(
  'a reader that stands still stops the sink and nothing else; one that goes away holds it',
  async (t) => {
    const child = spawn(process.execPath, [WRITER], { stdio: ['ignore', 'pipe', 'pipe'], env: {} })
    child.stdout.pause()
    const said: string[] = []
    let beats = 0
    const exit = once(child, 'exit')
    for await (const line of createInterface(child.stderr)) {
      if (line === 'beat') beats++
      else if (line.startsWith('{')) {
        said.push(line)
        beats = 0
      }
      // Nothing was taken for three beats: the sink waits, the thread does not.
      if (beats === 3) child.stdout.destroy()
    }
    t.match(JSON.parse(said.at(-1)!), { kind: 'hold', reason: /standard output: .*EPIPE/ })
    t.ok(said.slice(0, -1).every((line) => line === '{"kind":"ack"}'))
    t.same(await exit, [0, null])
  },
)

t.test('while the reader stands still one copy waits, however often the batch comes again', async (t) => {
  const written: string[] = []
  const reads: (() => void)[] = []
  const stuck = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      reads.push(done)
    },
  })
  const sink = new StdoutSink(() => stuck)
  await sink.start()
  for (let attempt = 1; attempt <= 5; attempt++) {
    const controller = new AbortController()
    const sent = sink.send(payloadOf([`attempt ${attempt}\n`]), controller.signal)
    setImmediate(() => controller.abort())
    t.match(await sent, { kind: 'retry' })
  }
  t.equal(stuck.writableLength, 'attempt 1\n'.length)
  const last = sink.send(payloadOf(['attempt 6\n']), NEVER)
  reads.shift()!()
  await new Promise((resolve) => setImmediate(resolve))
  reads.shift()!()
  t.same(await last, { kind: 'ack' })
  t.same(written, ['attempt 1\n', 'attempt 6\n'])
  await sink.stop()
})
