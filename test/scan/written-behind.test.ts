/** A scanner looks at bytes behind those of its extent, while the main thread fills the slab on. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { memoryOf } from '../../src/memory/web-assembly.ts'
import { compileScanner, UNDECIDED } from '../../src/scan/scanner.ts'
import { builtinSpecs } from '../../src/schema/builtin.ts'

const SCANS = 20_000
/** Begun within the extent; the rest is written, in turn, by another thread. */
const BEGUN = '{"'
const RESTS = ['abc":1}', 'x":"12}']
/** Were the key of one rest kept with the length of the other, this would be an event. */
const MALFORMED = '{"x":"12}'

t.test('nothing is kept of bytes that change while they are read', async (t) => {
  const bytes = Buffer.from(`${MALFORMED}\n${BEGUN}${' '.repeat(64)}`)
  const to = MALFORMED.length + 1 + BEGUN.length
  const memory = memoryOf(bytes)
  const writer = new Worker(
    `const { parentPort, workerData: { memory, at, rests } } = require('node:worker_threads')
    const bytes = new Uint8Array(memory.buffer)
    const texts = rests.map((rest) => Buffer.from(rest))
    parentPort.postMessage('ready')
    for (;;) for (const text of texts) bytes.set(text, at)`,
    { eval: true, workerData: { memory, at: to, rests: RESTS } },
  )
  t.teardown(() => writer.terminate())
  await once(writer, 'message')
  const scanner = compileScanner(builtinSpecs.any, { maxDepth: 8 }, memory)
  for (let scan = 0; scan < SCANS; scan++) {
    if (scanner.scanValue(to - BEGUN.length, to) !== UNDECIDED) t.fail('the value ends behind the extent')
    if (scanner.scanValue(0, MALFORMED.length) !== UNDECIDED) throw new Error(`accepted ${MALFORMED}`)
  }
  t.pass(`${SCANS} scans`)
})
