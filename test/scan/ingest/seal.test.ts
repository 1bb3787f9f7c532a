import { crc32 } from 'node:zlib'
import t from 'tap'
import type { Arena } from '../../../src/memory/arena.ts'
import { ExtentRing, STATE } from '../../../src/memory/extent-ring.ts'
import { FRAME_KIND, HEADER, HEADER_BYTES, regionBytes } from '../../../src/memory/frame-region.ts'
import { finishSeal } from '../../../src/scan/seal.ts'
import { AUTO, DOCUMENTS, ExtentRig } from '../../helpers/extent-rig.ts'
import type { RigRun } from '../../helpers/extent-rig.ts'

const rig = new ExtentRig({ checksums: true })
const bad = (bytes: number): string => `nope${'x'.repeat(bytes - 5)}\n`
const good = (name: string, bytes: number): string => `{"${name}":"${'y'.repeat(bytes - 8 - name.length)}"}\n`

t.test('neighbours are one run, with one line feed between them', async (t) => {
  const answer = rig.ingest([
    { bytes: '{"a":1}\r\n\n \n{"b":2}\n' },
    { bytes: '[{"c":3} ,\n\n\t{"d":4}]\n', kind: DOCUMENTS },
    { bytes: '{\r\n"e":5}{"logs":[]}\n', kind: DOCUMENTS },
    { bytes: '{"f":6}\n' },
  ])
  t.equal(answer.counts.breaks, 0)
  t.equal(answer.sent, '{"a":1}\r\n   {"b":2}\n {"c":3}\n    {"d":4}\n {  "e":5}\n           {"f":6}\n')
  t.ok(answer.records.slice(1).every(({ lf }) => lf))
})

t.test('raw line breaks in a record become blanks, those in strings are escaped anyway', async (t) => {
  const answer = rig.ingest([
    { bytes: '{\n"a"\r\n:"\\r\\n",\n"b":[\n]\r}\n', kind: DOCUMENTS },
    { bytes: '{"c":\r1}\n' },
  ])
  t.same(
    answer.records.map(({ text }) => text),
    ['{ "a"  :"\\r\\n", "b":[ ] }', '{"c": 1}'],
  )
})

t.test('a run breaks at what was refused, and where no byte lies between records', async (t) => {
  const answer = rig.ingest([
    { bytes: 'nope\n{"a":1}\n{"b":2}\nnope\nnope\n{"c":3}\n' },
    { bytes: '{}{}\n', kind: DOCUMENTS },
    { bytes: '[{},1,{}]\n', kind: DOCUMENTS },
  ])
  t.same(
    answer.records.map((record) => record.break),
    [false, false, true, false, true, false, true],
  )
  t.equal(answer.counts.breaks, 3)
})

t.test('where gaps prevail, records move together, and keep their peers', async (t) => {
  const answer = rig.ingest([
    { bytes: bad(300) + good('a', 50), peer: 'one' },
    { bytes: bad(100), peer: 'two' },
    { bytes: good('b', 60) + bad(30) + good('c', 50), peer: 'three' },
    { bytes: `[{"d":1},{"e":2},${'7'.repeat(200)},{"f":3}]\n`, kind: DOCUMENTS, peer: 'four' },
    { bytes: bad(90) + good('g', 50), kind: AUTO, peer: 'five' },
    { bytes: good('h', 50) + bad(90), peer: 'six' },
  ])
  t.equal(answer.records.length, 7, 'an AUTO run that begins malformed is at its end')
  t.same(
    answer.records.map(({ text, peer }) => [text.slice(2, 3), peer]),
    [
      ['a', 'one'],
      ['b', 'three'],
      ['c', 'three'],
      ['d', 'four'],
      ['e', 'four'],
      ['f', 'four'],
      ['h', 'six'],
    ],
  )
  t.equal(answer.counts.breaks, 0)
  t.equal(answer.records[0]!.offset, 0)
  t.equal(answer.sent, answer.records.map(({ text }) => `${text}\n`).join(''))
  t.equal(header(HEADER.BYTES), answer.sent.length)
})

t.test('a record that would overlap its old place stays', async (t) => {
  const answer = rig.ingest([{ bytes: bad(200) + good('a', 300) + bad(700) + good('b', 100) }])
  t.same(
    answer.records.map((record) => [record.offset, record.break]),
    [
      [200, false],
      [500, false],
    ],
  )
  t.equal(answer.sent, good('a', 300) + good('b', 100))
})

t.test('the header tells all that the extent brought', async (t) => {
  const refused = `${bad(40)}[1\n`
  const bytes = `${good('a', 50)}${bad(20)}${good('b', 60)}${good('c', 70)}`
  rig.arena.words.fill(-1, rig.region >> 2, (rig.region + HEADER_BYTES) >> 2)
  rig.ingest([{ bytes: bytes + refused }])
  t.equal(header(HEADER.KIND), FRAME_KIND.EVENTS)
  t.equal(header(HEADER.RECORDS), 3)
  t.equal(header(HEADER.BYTES_FROM), rig.from)
  t.equal(header(HEADER.BYTES), bytes.length, 'what is refused behind the last record is no part of it')
  t.equal(header(HEADER.RECEIVED_BYTES), bytes.length + refused.length)
  t.equal(header(HEADER.REJECTED_BY), 3)
  t.same([HEADER.ORIGIN_SEQUENCE, HEADER.SINK, HEADER.SEGMENT, HEADER.SHED_BY].map(header), [0, 0, 0, 0])
})

t.test('a checksum of runs, table and bytes, as they are in the end', async (t) => {
  const extents: RigRun[][] = [
    [{ bytes: good('a', 50) }],
    [{ bytes: `[{"a":\n1},2,{"b":2}]\n`, kind: DOCUMENTS }, { bytes: good('a', 50) }],
    [{ bytes: bad(300) + good('a', 50) + bad(100) }],
    [{ bytes: bad(300) }],
  ]
  for (const runs of extents) {
    const answer = rig.ingest(runs)
    const table = rig.region + regionBytes(runs.length, answer.counts.accepted)
    const to = rig.from + header(HEADER.BYTES)
    const body = Buffer.concat([
      rig.arena.bytes.slice(rig.region + HEADER_BYTES, table),
      rig.arena.bytes.slice(rig.from, to),
    ])
    t.equal(header(HEADER.BODY_CRC) >>> 0, crc32(body))
  }
  const unchecked = new ExtentRig()
  unchecked.ingest(extents[0]!)
  t.equal(unchecked.arena.words[(unchecked.region >> 2) + HEADER.BODY_CRC], 0, 'only where it is asked for')
})

t.test('a seal that broke off anywhere is finished by another', async (t) => {
  const extents: Record<string, RigRun[]> = {
    separators: [
      { bytes: '{"a":1}\r\nnope\n{"b":2}\n' },
      { bytes: '[{"c":\n3} ,\n\n\t{"d":4},5,{"logs":\r\n[]}]{}{}\n', kind: DOCUMENTS },
      { bytes: '{"logs":[{"e":5},{}]}\n', kind: DOCUMENTS },
    ],
    'records that move': [
      { bytes: bad(90) + good('a', 80) + good('b', 60), peer: 'one' },
      { bytes: bad(200), peer: 'two' },
      { bytes: good('c', 60) + good('d', 300) + bad(400), peer: 'three' },
      { bytes: `[{"d":\n1},{"e":2},${'7'.repeat(100)},{"f":3}]\n`, kind: DOCUMENTS, peer: 'four' },
    ],
  }
  for (const [name, runs] of Object.entries(extents)) {
    const expected = rig.ingest(runs)
    const { buffer } = new Uint8Array(rig.arena.bytes)
    rig.layOut(runs)
    const revive = dieBeforeSeal()
    t.throws(() => rig.ingestor.ingest(0, 0), { message: 'died' })
    revive()
    t.equal(rig.ring.state(0), STATE.SEALING)
    const arenaThen = new Uint8Array(rig.arena.bytes)
    const ringThen = new Int32Array(rig.ring.words)
    let broken = 0
    for (let writes = 0; ; writes++) {
      rig.arena.bytes.set(arenaThen)
      rig.ring.words.set(ringThen)
      const finished = sealUntil(rig.arena, rig.ring, writes)
      if (finished) break
      broken++
      finishSeal(rig.arena, rig.ring, 0)
      const errors = rig.read(runs.length, [])
      t.same({ ...errors, errors: expected.errors }, expected, `${name}: after ${writes} writes`)
    }
    t.ok(broken > 20, `${name}: broken off at ${broken} points`)
    t.same(Buffer.compare(Buffer.from(rig.arena.bytes), Buffer.from(buffer)), 0)
  }
})

function header(word: number): number {
  return rig.arena.words[(rig.region >> 2) + word]!
}

/** The worker dies once its answers stand. Returns what ends that. */
function dieBeforeSeal(): () => void {
  const { prototype } = ExtentRing
  const method = 'setState'
  const original = prototype[method]
  prototype[method] = function (this: ExtentRing, entry: number, state: number): void {
    original.call(this, entry, state)
    if (state === STATE.SEALING) throw new Error('died')
  }
  return () => {
    prototype[method] = original
  }
}

/** Seals until so many writes are done, the last one by half. True when there are not so many. */
function sealUntil(arena: Arena, ring: ExtentRing, writesMax: number): boolean {
  let writes = 0
  const count = (half: () => void): void => {
    if (writes++ < writesMax) return
    half()
    throw new Error('died')
  }
  const mortal = <A extends Uint8Array | Int32Array>(array: A): A =>
    new Proxy(array, {
      get(target, key) {
        if (key === 'fill') {
          return (value: number, from: number, to: number) => {
            count(() => target.fill(value, from, (from + to) >> 1))
            target.fill(value, from, to)
          }
        }
        if (key === 'copyWithin') {
          return (to: number, from: number, end: number) => {
            count(() => target.copyWithin(to, from, (from + end) >> 1))
            target.copyWithin(to, from, end)
          }
        }
        if (key === 'subarray') return target.subarray.bind(target)
        return Reflect.get(target, key, target) as unknown
      },
      set(target, key, value: number) {
        count(() => {})
        return Reflect.set(target, key, value, target)
      },
    })
  const faulty = Object.create(arena, {
    bytes: { value: mortal(arena.bytes) },
    words: { value: mortal(arena.words) },
  }) as Arena
  try {
    finishSeal(faulty, ring, 0)
    return true
  } catch {
    return false
  }
}
