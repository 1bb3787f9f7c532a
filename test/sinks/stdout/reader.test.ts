import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'

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
