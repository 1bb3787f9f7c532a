import t from 'tap'
import type { Reading } from '../../../src/commands/demo/gauges.ts'
import { demoScenario } from '../../../src/commands/demo/plan.ts'
import type { Mood } from '../../../src/commands/demo/scenario.ts'
import { verdictLines, verdictOf } from '../../../src/commands/demo/verdict.ts'
import type { Outcome } from '../../../src/commands/demo/verdict.ts'
import { narration, viewLines, viewText } from '../../../src/commands/demo/view.ts'
import type { View } from '../../../src/commands/demo/view.ts'
import { columnsOf, glyphsFor } from '../../../src/commands/terminal/graphics.ts'
import { createPaint } from '../../../src/commands/terminal/paint.ts'

const MIB = 1024 * 1024
const paint = createPaint(true)
const plain = createPaint(false)
const glyphs = glyphsFor({})

const reading: Reading = {
  received: 47_160_000,
  receivedPerSecond: 299_999,
  accepted: 46_500_000,
  rejected: 660_000,
  rejectedByCategory: { malformed_json: 165_000, schema_violation: 495_000 },
  delivered: 46_500_000,
  deliveredPerSecond: 149_999,
  held: 999_999,
  deadLettered: 0,
  arenaBytes: 64 * MIB,
  arenaUsedShare: 0.94,
  heldBack: true,
  heldBackS: 123.4,
  siemPauseMs: 0,
  p50Ms: 2500,
  p99Ms: 10_000,
  residentBytes: 450 * MIB,
  residentBytesPeak: 460 * MIB,
  imbalances: [],
}
const traffic = {
  sent: 47_160_000,
  malformed: 660_000,
  waiting: 1_234_567,
  resent: 1234,
  unsent: 0,
  refused: 0,
}
const siem = {
  mood: { kind: 'fine' } as Mood,
  unique: 46_500_000,
  repeats: 0,
  strange: 0,
  turnedAway: 321,
  slowRequests: 99,
}

function viewWith(changes: Partial<Reading>, others: Partial<View> = {}): View {
  return {
    scenario: demoScenario({ duration: '10m' }),
    elapsedMs: 15_000,
    phase: 'running',
    reading: { ...reading, ...changes },
    traffic,
    siem,
    history: { received: Array.from({ length: 500 }, (_, n) => n * 100), delivered: [1, 2, 3] },
    dashboard: 'http://127.0.0.1:65535/',
    ...others,
  }
}

const throttling = { ...siem, mood: { kind: 'throttling', status: 503, retryAfterS: 1 } as Mood }
const slow = { ...siem, mood: { kind: 'slow', delayMs: 300 } as Mood }

const views: readonly (readonly [View, RegExp])[] = [
  [viewWith({}), /The memory is full/],
  [viewWith({ heldBack: false }, { siem: throttling }), /turns batches away/],
  [viewWith({ heldBack: false, siemPauseMs: 900 }), /turns batches away/],
  [viewWith({ heldBack: false }, { siem: slow }), /answers slowly/],
  [viewWith({ heldBack: false }), /A spike/],
  [viewWith({ heldBack: false }, { elapsedMs: 25_000 }), /The flood has passed/],
  [
    viewWith(
      { heldBack: false, held: 10, rejected: 0, p50Ms: NaN, p99Ms: NaN },
      { elapsedMs: 1000, traffic: null },
    ),
    /An ordinary day/,
  ],
  [viewWith({ heldBack: false }, { phase: 'draining' }), /The senders are done/],
]

t.test('at 80 columns nothing has to be cut, whatever the figures', async (t) => {
  for (const [view] of views) {
    const lines = viewLines(view, { columns: 80, glyphs, paint })
    t.same(
      lines.filter((line) => columnsOf(line) > 79),
      [],
    )
    t.ok(lines.length <= 20, 'it fits into 24 rows')
  }
})

t.test('each state has its sentence, also in narrow terminals and in a pipe', async (t) => {
  for (const [view, sentence] of views) {
    t.match(narration(view), sentence)
    t.match(viewLines(view, { columns: 40, glyphs, paint: plain }).join(' ').replace(/ +/g, ' '), sentence)
    t.match(viewText(view), /^[\x20-\x7e]+$/, 'ASCII')
  }
  t.match(viewText(viewWith({})), 'senders wait (1,234,567)')
  t.match(viewText(viewWith({}, { siem: throttling })), 'SIEM throttling (503)')
  t.notMatch(viewLines(viewWith({}, { phase: 'over' }), { columns: 80, glyphs, paint }).join(), 'Ctrl-C')
})

t.test('an imbalance is told at once', async (t) => {
  const wrong = viewWith({ imbalances: [{ where: 'x', left: 1, right: 2 }] })
  t.match(viewLines(wrong, { columns: 80, glyphs, paint: plain }).join('\n'), 'NOT BALANCED')
})

const outcome: Outcome = {
  interrupted: false,
  elapsedMs: 30_000,
  traffic,
  reading: { ...reading, held: 0 },
  siem,
  latency: { p50Ms: 100, p99Ms: 2500 },
}

t.test('the verdict: balanced only when each side is the other', async (t) => {
  t.ok(verdictOf(outcome).balanced)
  t.ok(
    verdictOf({ ...outcome, siem: { ...siem, repeats: 5 } }).balanced,
    'repeats are told, and nothing is lost',
  )
  const wrongs: Record<string, Partial<Outcome>> = {
    'an event lost on the way in': { traffic: { ...traffic, sent: traffic.sent + 1 } },
    'a malformed one accepted': { traffic: { ...traffic, malformed: traffic.malformed + 1 } },
    'one not delivered': { reading: { ...reading, delivered: reading.delivered - 1 } },
    'one lost on the way out': { siem: { ...siem, unique: siem.unique - 1 } },
    'one from nowhere': { siem: { ...siem, strange: 1 } },
    'an equation of the ledger': {
      reading: { ...reading, imbalances: [{ where: 'sink siem', left: 1, right: 2 }] },
    },
  }
  for (const [what, change] of Object.entries(wrongs)) {
    const verdict = verdictOf({ ...outcome, ...change })
    t.notOk(verdict.balanced, what)
    t.match(verdictLines(verdict, 80, plain).join('\n'), 'NOT BALANCED: please report this')
  }
})

const hardships = (turnedAway: number, resent: number) => {
  const ended = { ...outcome, siem: { ...siem, turnedAway }, traffic: { ...traffic, resent } }
  return verdictLines(verdictOf(ended), 200, plain).join(' ')
}

t.test('one is not many', async (t) => {
  t.match(hardships(1, 1), /turned 1 request away .* 1 POST was told to come back later, and did\./)
  t.match(hardships(2, 2), /turned 2 requests away .* 2 POSTs were told/)
  t.match(hardships(0, 0), /turned 0 requests away .* no POST was turned away\./)
})

t.test('the ledger fits, at 40 columns and at 80', async (t) => {
  const given = {
    ...outcome,
    traffic: { ...traffic, unsent: 500 },
    siem: { ...siem, repeats: 7, strange: 3 },
  }
  for (const columns of [40, 80, 200]) {
    for (const ended of [outcome, given]) {
      const lines = verdictLines(verdictOf(ended), columns, paint)
      t.same(
        lines.filter((line) => columnsOf(line) > columns),
        [],
      )
    }
  }
  const text = verdictLines(verdictOf(given), 80, plain).join('\n')
  t.match(text, /not sent, given up +500/)
  t.match(text, /seen twice +7/)
  t.match(text, /never sent +3/)
  t.match(
    verdictLines(verdictOf(outcome), 80, plain).join('\n'),
    /Balanced: no event is missing, and none was invented\./,
  )
})
