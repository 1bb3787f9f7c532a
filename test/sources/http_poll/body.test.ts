/** The body of an answer, chunk by chunk, into an intake that says when it is full. */
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Intake } from '../../../src/pipeline/intake/intake.ts'
import type { Stream, StreamOptions } from '../../../src/pipeline/intake/stream.ts'
import { inflaterPermits } from '../../../src/pipeline/inflation/inflater-permits.ts'
import { INFLATERS_MAX } from '../../../src/pipeline/limits.ts'
import { Body } from '../../../src/sources/http_poll/body.ts'
import { until } from '../../helpers/until.ts'

/** A stream that takes all, and says false while `full`. */
function rig(coding: 'identity' | 'gzip', chunkBytesMax = 1000) {
  const told: string[] = []
  const chunks: number[] = []
  const state = { full: false, text: '' }
  let options!: StreamOptions
  const stream = {
    badFraming: false,
    get waiting() {
      return state.full
    },
    write(chunk: Uint8Array) {
      chunks.push(chunk.length)
      state.text += Buffer.from(chunk).toString()
      return !state.full
    },
    end: (clean: boolean) => told.push(clean ? 'end' : 'broken'),
  }
  const intake = {
    chunkBytesMax,
    openStream: (given: StreamOptions) => {
      options = given
      return stream as unknown as Stream
    },
  } as unknown as Intake
  const body = new Body(
    { intake, peer: 'x', framing: 'lines', coding, maxInflatedBytes: 100_000 },
    {
      pauseBody: () => told.push('pause'),
      resumeBody: () => told.push('resume'),
      bodyWaits: (waits) => told.push(waits ? 'waits' : 'goes on'),
      bodyBroken: (reason, lasting) => told.push(`${reason}, ${lasting}`),
      bodyEnded: () => told.push('ended'),
      bodyDone: (badFraming) => told.push(`done ${badFraming}`),
    },
  )
  const drain = () => {
    state.full = false
    options.onDrain()
  }
  return {
    body,
    told,
    chunks,
    state,
    stream,
    drain,
    done: () => options.onDone!(stream as unknown as Stream),
  }
}

t.test('a chunk that is too long for a stream is cut, and a full stream pauses the answer', async (t) => {
  const { body, told, chunks, state, drain, done } = rig('identity')
  body.write(Buffer.alloc(2500, 'a'))
  t.same([chunks, told], [[1000, 1000, 500], []])
  state.full = true
  body.write(Buffer.from('b'))
  t.same(told.splice(0), ['pause', 'waits'])
  body.write(Buffer.from('c'))
  t.same(told.splice(0), ['pause', 'waits'], 'what comes nevertheless is taken')
  drain()
  t.same(told.splice(0), ['goes on', 'resume'])
  body.end()
  body.breakOff()
  drain()
  done()
  t.same(told, ['ended', 'end', 'done false'])
  t.equal(state.text, `${'a'.repeat(2500)}bc`)
})

t.test('chunks that come while one is inflated, and the end behind them', async (t) => {
  const { body, told, state } = rig('gzip')
  const text = '{"a":1}\n'.repeat(3000)
  const bytes = gzipSync(text, { level: 0 })
  body.write(bytes.subarray(0, 100))
  body.write(bytes.subarray(100, 9000))
  body.write(bytes.subarray(9000))
  body.end()
  await until(() => told.includes('end'))
  t.equal(state.text, text)
  t.equal(told.filter((word) => word === 'resume').length, 0, 'there is nothing to resume')
})

t.test('an inflater without room waits, and the answer with it', async (t) => {
  const { body, told, state, drain } = rig('gzip')
  const text = '{"a":1}\n'.repeat(10_000)
  state.full = true
  const bytes = gzipSync(text)
  body.write(bytes)
  body.end()
  await until(() => told.includes('waits'))
  const before = state.text.length
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(state.text.length, before)
  t.ok(before < text.length)
  while (!told.includes('end')) {
    drain()
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  t.equal(state.text, text)
})

t.test('while no inflater is to be had the answer waits, and is not late', async (t) => {
  let granted = 0
  inflaterPermits.acquire(INFLATERS_MAX, (count) => (granted = count))
  const { body, told, state } = rig('gzip')
  body.write(gzipSync('{"a":1}\n'))
  t.same(told.splice(0), ['pause', 'waits'])
  inflaterPermits.release(granted)
  await until(() => told.includes('resume'))
  t.same(told.splice(0), ['goes on', 'resume'])
  body.end()
  await until(() => told.includes('end'))
  t.equal(state.text, '{"a":1}\n')
})

t.test('what ends it early', async (t) => {
  const bomb = rig('gzip')
  bomb.body.write(gzipSync('x'.repeat(200_000)))
  await until(() => bomb.told.includes('broken'))
  t.match(bomb.told.join(), 'inflates to more than max_inflated_bytes, true')
  const garbage = rig('gzip')
  garbage.body.write(Buffer.from('no gzip'))
  await until(() => garbage.told.includes('broken'))
  t.match(garbage.told.join(), /is not what its content-encoding says: .*, false,ended,broken/)
  const unframed = rig('identity')
  unframed.stream.badFraming = true
  unframed.body.write(Buffer.from('x'))
  t.match(unframed.told.join(), /is no sequence of JSON values: see the dead letters, true,ended,broken/)
  const later = rig('identity')
  later.body.write(Buffer.from('x'))
  later.stream.badFraming = true
  later.drain()
  t.match(later.told.join(), /goes on,is no sequence of JSON values/)
})
