import fc from 'fast-check'
import t from 'tap'
import { GROUPS_AT_ONCE_MAX } from '../../../src/pipeline/dispatch/keys/grouping.ts'
import { PORTIONS_MAX } from '../../../src/pipeline/dispatch/keyed-cutter.ts'
import { KeyedRig, isBulk, turn } from './keyed-rig.ts'

const perTenant = { field: 'tenant', maxKeys: 100 } as const
const FREE = { per: perTenant } as const
/** Nothing of key `slow` goes in the time that these tests take; others have what they need. */
const numbered = (key: string, from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `${key}:${from + index}`)

t.test('a batch holds events of one key', async (t) => {
  const rig = new KeyedRig({ rateLimit: FREE })
  rig.add(0, 'a:1', 'b:1', 'a:2', 'c:1')
  rig.add(1, 'a:3', 'b:2')
  t.strictSame(rig.cutAll(), [], 'frames are told apart first')
  await turn()
  t.ok(rig.grouped > 0)
  t.strictSame(rig.cutAll(), [], 'and wait for company')
  t.equal(rig.cutter.nextDueMs(rig.nowMs), rig.nowMs + 50)
  rig.nowMs += 50
  const batches = rig.cutAll()
  t.strictSame(Object.fromEntries(batches.map(({ key, parts }) => [key, rig.textsOf(parts)])), {
    a: ['a:1', 'a:2', 'a:3'],
    b: ['b:1', 'b:2'],
    c: ['c:1'],
  })
  t.strictSame(batches.find(({ key }) => key === 'a')!.parts[1]!.pick, null, 'neighbours need no pick')
  t.ok(rig.cutter.empty)
})

t.test('by source, frames are batched as they are', async (t) => {
  const rig = new KeyedRig({ rateLimit: { per: 'source' }, cutter: { keyOf: 'source' } })
  rig.add(0, ...numbered('a', 0, 6))
  rig.add(1, ...numbered('b', 0, 3))
  rig.add(0, ...numbered('a', 6, 6))
  rig.add(0, ...numbered('a', 12, 3))
  const [first, ...others] = rig.cutAll()
  t.match(first, { key: 'push', events: 6, runs: 1 }, 'it ends where a frame ends')
  t.strictSame(others, [])
  rig.sendAll()
  rig.nowMs += 50
  t.strictSame(
    rig
      .cutAll()
      .map(({ key, events }) => `${key} ${events}`)
      .toSorted(),
    ['lines 3', 'push 9'],
  )
})

t.test('keys whose batches are full or old enough take turns', async (t) => {
  const rig = new KeyedRig({ rateLimit: FREE })
  rig.add(0, ...numbered('a', 0, 30), ...numbered('b', 0, 30), ...numbered('c', 0, 5))
  rig.cutAll()
  await turn()
  const order: string[] = []
  for (let round = 0; round < 4; round++) {
    order.push(...rig.cutAll().map(({ key, events }) => `${key}${events}`))
    rig.sendAll()
  }
  t.strictSame(order, ['a10', 'b10', 'a10', 'b10', 'a10', 'b10'])
  t.strictSame(
    rig.cutAll(true).map(({ key }) => key),
    ['c'],
  )
})

t.test('who waits for a limit holds up no other, and costs nothing meanwhile', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 1 } })
  rig.add(0, ...numbered('a', 0, 30), ...numbered('b', 0, 10))
  await rig.pass(1100)
  t.strictSame(
    rig.sent.map(({ key }) => key),
    ['a', 'b'],
  )
  rig.add(0, ...numbered('c', 0, 10))
  t.equal(rig.cutter.waitingKeys, 1)
  await rig.pass(1100)
  t.strictSame(
    rig.sent.map(({ key }) => key),
    ['a', 'b', 'a', 'c'],
  )
})

t.test('while it waits, its batch grows', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 1 } })
  for (let index = 0; index < 12; index++) {
    rig.add(0, `a:${index}`)
    // oxlint-disable-next-line no-await-in-loop
    await rig.pass(100)
  }
  await rig.pass(2000)
  t.strictSame(
    rig.sent.map(({ texts }) => texts.length),
    [10, 2],
  )
})

t.test('what is barred is asked about again', async (t) => {
  let mayCut = false
  const asked: string[] = []
  const rig = new KeyedRig({
    rateLimit: { per: 'source' },
    cutter: {
      keyOf: 'source',
      mayCut: (key) => {
        asked.push(key)
        return mayCut
      },
    },
  })
  rig.add(0, ...numbered('a', 0, 10))
  t.strictSame(rig.cutAll(), [])
  t.equal(rig.cutter.waitingKeys, 1)
  rig.cutAll()
  t.strictSame(asked, ['push', 'push'], 'once a look')
  mayCut = true
  t.match(rig.cutAll(), [{ key: 'push' }])
})

t.test('severe events run ahead within a key that lags', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 1 } })
  const mixed = (from: number) => numbered('a', from, 4).map((text, index) => ({ text, fast: index === 3 }))
  for (let from = 0; from < 40; from += 4) rig.add(0, ...mixed(from))
  await rig.pass(4100)
  t.strictSame(rig.sent.map(isBulk), [false, true, true, true])
  t.strictSame(
    rig.sent[0]!.texts,
    [15, 19, 23, 27, 31, 35, 39].map((number) => `a:${number}`),
    'what stood in a full batch stays in it',
  )
  const inOrder = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 1 }, cutter: { inOrder: true } })
  for (let from = 0; from < 40; from += 4) inOrder.add(0, ...mixed(from))
  await inOrder.pass(4100)
  t.strictSame(
    inOrder.sent.flatMap(({ texts }) => texts),
    numbered('a', 0, 40),
  )
})

t.test('after some fast batches bulk has its turn', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 2, eventsPerSecond: 10 } })
  for (let from = 0; from < 300; from += 20)
    rig.add(0, ...numbered('a', from, 20).map((text, index) => ({ text, fast: index < 14 })))
  await rig.pass(15_000)
  const lanes = rig.sent.map((batch) => (isBulk(batch) ? 'b' : 'f')).join('')
  t.match(lanes, /^fffbfffbfffb/)
})

t.test('the fast lane goes ahead in the log while the sink lags', async (t) => {
  const rig = new KeyedRig({ rateLimit: FREE, slabs: 32, cutter: { mayCut: (key) => key !== 'a' } })
  for (let index = 0; index < GROUPS_AT_ONCE_MAX + 4; index++)
    rig.add(0, { text: `a:${index}` }, { text: `b:${index}`, fast: true })
  const never = new Promise<never>(() => {})
  const { group } = rig
  rig.group = (of) => (of.lanes === 2 ? group(of) : never)
  await rig.pass(2000)
  t.ok(rig.cutter.lagging)
  t.strictSame(
    rig.sent.flatMap(({ texts }) => texts),
    numbered('b', GROUPS_AT_ONCE_MAX, 4),
    'bulk has taken no more frames than can be told apart at once',
  )
})

t.test('frames keep their order while they are told apart', async (t) => {
  const rig = new KeyedRig({ rateLimit: FREE })
  const waiting: (() => void)[] = []
  rig.group = (of) => new Promise((resolve) => waiting.push(() => resolve(rig.groupsOf(of))))
  for (let index = 0; index < 10; index++) rig.add(0, `a:${index}`)
  await rig.pass(100)
  t.equal(waiting.length, GROUPS_AT_ONCE_MAX)
  t.strictSame(rig.unsettled(), numbered('a', 4, 6).concat(numbered('a', 0, 4)), 'nothing is out of sight')
  while (waiting.length > 0) {
    waiting.pop()!()
    // oxlint-disable-next-line no-await-in-loop
    await rig.pass(100)
  }
  t.strictSame(
    rig.sent.flatMap(({ texts }) => texts),
    numbered('a', 0, 10),
  )
})

t.test('frames that cannot be told apart are tried again, and then go under no key', async (t) => {
  const rig = new KeyedRig({ rateLimit: FREE })
  let calls = 0
  rig.group = async (of) => {
    calls++
    if (calls === 1) throw new Error('a worker died')
    if (calls === 3 || calls > 5) return rig.groupsOf(of).slice(1)
    return rig.groupsOf(of)
  }
  rig.add(0, 'a:1', 'b:1')
  rig.cutAll()
  await turn()
  rig.cutAll()
  t.equal(rig.cutter.nextDueMs(rig.nowMs), rig.nowMs + 1000)
  await rig.pass(900)
  t.equal(calls, 1)
  await rig.pass(200)
  t.strictSame(rig.sent.map(({ key }) => key).toSorted(), ['a', 'b'])
  rig.add(0, 'a:2', 'b:2')
  await rig.pass(2000)
  t.match(rig.failures, [/a worker died/, /1 of 2 events were told apart/])
  calls = 5
  rig.add(0, 'a:3', 'b:3')
  await rig.pass(4000)
  t.match(rig.sent.at(-1), { key: '', texts: ['a:3', 'b:3'] })
  t.equal(rig.failures.length, 5)
})

t.test('what waits for a limit is deferred, one part a frame, when it keeps others in the log', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 0.1, burst: 1 }, slabs: 2 })
  rig.add(0, 'a:1', 'b:1', 'a:2', 'b:2', 'c:1')
  await rig.pass(10_100)
  t.equal(rig.sent.length, 3)
  t.equal(rig.deferrals, 0)
  rig.add(0, 'a:3', 'b:3', 'a:4')
  rig.add(0, 'a:5', 'd:1')
  rig.add(0, 'e:1')
  await rig.pass(300)
  t.ok(rig.deferrals > 0)
  await rig.pass(11_000)
  t.ok(
    rig.sent.some(({ key }) => key === 'e'),
    'what stood behind has gone',
  )
  await rig.pass(30_000)
  t.strictSame(rig.unsettled(), [])
})

t.test('in memory nothing is deferred, and in order neither', async (t) => {
  for (const options of [{ canDefer: false }, { cutter: { inOrder: true } }]) {
    const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 0.1 }, slabs: 2, ...options })
    for (const key of ['a', 'b', 'c']) rig.add(0, `${key}:1`)
    // oxlint-disable-next-line no-await-in-loop
    await rig.pass(5000)
    t.equal(rig.deferrals, 0)
  }
})

t.test('at once when the log is blocked', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 0.1 }, slabs: 2 })
  for (const key of ['a', 'b', 'c']) rig.add(0, `${key}:1`)
  await rig.pass(100)
  t.notOk(rig.deferSome(), 'a frame may just be on its way')
  rig.blocked = true
  t.ok(rig.deferSome())
})

t.test('deferring has a budget', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 0.0001 }, slabs: 2 })
  for (let index = 0; index < 10; index++) rig.add(0, ...numbered('a', index * 20, 20))
  rig.blocked = true
  for (let step = 0; step < 500; step++) {
    rig.nowMs += 0.2
    rig.cutAll()
    rig.deferSome()
    // oxlint-disable-next-line no-await-in-loop
    await turn()
  }
  // 100 ms at 8 MiB/s: each frame costs 16 KiB at least, and eight times as much once it was deferred.
  t.ok(rig.deferrals >= 12 && rig.deferrals <= 18, `${rig.deferrals} deferrals`)
  for (let round = 0; round < 100; round++) {
    rig.cutAll()
    rig.deferSome()
    // oxlint-disable-next-line no-await-in-loop
    await turn()
  }
  t.ok(rig.deferrals <= 19, `${rig.deferrals} deferrals`)
})

t.test('what is left is given up without a look at limits', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 0.001 } })
  rig.add(0, ...numbered('a', 0, 12), 'b:1')
  rig.add(0, { text: 'a:13', fast: true })
  await rig.pass(500)
  rig.group = () => new Promise<never>(() => {})
  for (let index = 0; index < 6; index++) rig.add(0, `c:${index}`)
  rig.cutAll()
  const left: string[] = []
  for (let batch = rig.cutter.takeRest(); batch !== null; batch = rig.cutter.takeRest())
    left.push(...rig.textsOf(batch.parts))
  t.strictSame(left.toSorted(), [...numbered('a', 0, 12), 'b:1', 'a:13', ...numbered('c', 0, 6)].toSorted())
  t.ok(rig.cutter.empty)
})

t.test('no more frames are taken than there are pieces', async (t) => {
  const rig = new KeyedRig({ rateLimit: { ...FREE, requestsPerSecond: 0.001 }, slabs: 1100 })
  const perFrame = 60
  const frames = Math.ceil(PORTIONS_MAX / perFrame) + 20
  for (let index = 0; index < frames; index++)
    rig.add(0, ...Array.from({ length: perFrame }, (_, key) => `${key}:${index}`))
  // A look takes so many frames; none of them can go.
  for (let look = 0; look < frames; look++) {
    rig.cutAll()
    // oxlint-disable-next-line no-await-in-loop
    await turn()
  }
  const taken = (frames - rig.waiting) * perFrame
  t.ok(
    taken >= PORTIONS_MAX && taken <= PORTIONS_MAX + (GROUPS_AT_ONCE_MAX + 1) * perFrame,
    `${taken} pieces`,
  )
})

const record = fc.record({ key: fc.constantFrom('a', 'b', 'c'), fast: fc.boolean(), pad: fc.nat(60) })
const action = fc.oneof(
  fc.record({
    what: fc.constant('add' as const),
    records: fc.array(record, { minLength: 1, maxLength: 20, size: 'max' }),
  }),
  fc.record({ what: fc.constantFrom('cut' as const, 'send' as const, 'defer' as const, 'turn' as const) }),
  fc.record({ what: fc.constant('pass' as const), durationMs: fc.nat(400) }),
)

t.test('every event comes out once, in the order of its key and lane', async (t) => {
  const property = fc.asyncProperty(
    fc.array(action, { minLength: 10, maxLength: 60, size: 'max' }),
    fc.record({
      requestsPerSecond: fc.constantFrom(1, 3, 20, Infinity),
      eventsPerSecond: fc.constantFrom(15, Infinity),
      slabs: fc.constantFrom(2, 2, 3, 16),
      bySource: fc.boolean(),
      inOrder: fc.boolean(),
      encoding: fc.constantFrom('ndjson' as const, 'json' as const),
    }),
    async (actions, { slabs, bySource, inOrder, encoding, ...rates }) => {
      const rig = new KeyedRig({
        rateLimit: { ...rates, burst: 2, per: bySource ? 'source' : perTenant },
        slabs,
        cutter: { keyOf: bySource ? 'source' : 'field', inOrder, encoding },
      })
      const all: string[] = []
      let number = 0
      const check = () => {
        const seen = [...rig.unsettled(), ...rig.sent.flatMap(({ texts }) => texts)]
        if (seen.length !== all.length || new Set(seen).size !== all.length) throw new Error('not once each')
      }
      for (const step of actions) {
        if (step.what === 'add') {
          const source = number % 2
          const made = step.records.map(({ key, fast, pad }) => {
            const text = `${bySource ? source : key}:${number++}:${'p'.repeat(pad)}`
            return { text, fast }
          })
          all.push(...made.map(({ text }) => text))
          rig.add(source, ...made)
        }
        if (step.what === 'cut') rig.cutAll()
        if (step.what === 'send') rig.sendAll()
        if (step.what === 'defer') rig.deferSome()
        // oxlint-disable-next-line no-await-in-loop
        if (step.what === 'turn') await turn()
        if (step.what === 'pass') rig.nowMs += step.durationMs
        check()
      }
      const neededMs = 3000 + number * 1000
      for (let waitedMs = 0; rig.unsettled().length > 0 && waitedMs < neededMs; waitedMs += 500) {
        // oxlint-disable-next-line no-await-in-loop
        await rig.pass(500, 100, true)
        check()
      }
      if (rig.unsettled().length > 0) throw new Error('something never goes')
      if (!rig.cutter.empty || rig.cutter.waitingKeys !== 0) throw new Error('nothing is left')
      if (rig.frames.released !== rig.frames.pool.freeCount && rig.frames.released === 0 && number > 0)
        throw new Error('frames are let go')
      if (rig.deferrals > 0) return
      const latest = new Map<string, number>()
      for (const { key, lane, texts } of rig.sent) {
        for (const text of texts) {
          const [of, id] = text.split(':')
          if (!bySource && of !== key) throw new Error('a batch has one key')
          if (Number(id) < (latest.get(`${key} ${lane}`) ?? -1)) throw new Error('out of order')
          latest.set(`${key} ${lane}`, Number(id))
        }
      }
    },
  )
  await fc.assert(property, { numRuns: 150 })
  t.pass('held')
})
