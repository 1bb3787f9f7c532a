import t from 'tap'
import { measureScanner } from '../../../src/commands/bench/scanner.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'

function undecidedShare(lines: readonly string[], lineEnd: string): number {
  const text = Buffer.from(lines.map((line) => line + lineEnd).join(''))
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length))
  bytes.set(text)
  const sample = { bytes, events: lines.length, meanBytes: text.length / lines.length }
  return measureScanner(builtinSpecs.any, sample, 20).undecided_share
}

t.test('what is behind a value does not count as an event of its own', (t) => {
  for (const lineEnd of ['\n', '\r\n', ' \t\n']) {
    t.equal(undecidedShare(['{"a":1}', '{"b":[]}'], lineEnd), 0)
    t.equal(undecidedShare(['{"a":1}', '{"b":[}', '{"c":"d"}', '{'], lineEnd), 0.5)
  }
  t.end()
})
