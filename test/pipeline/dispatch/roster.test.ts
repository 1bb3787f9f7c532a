import t from 'tap'
import { BULK, FAST } from '../../../src/journal/log.ts'
import type { LaneIndex } from '../../../src/journal/log.ts'
import { Batch } from '../../../src/pipeline/dispatch/batch.ts'
import { FAST_IN_A_ROW_MAX, Roster, WAITING_MAX } from '../../../src/pipeline/dispatch/roster.ts'
import type { RosterOptions } from '../../../src/pipeline/dispatch/roster.ts'

const OPTIONS: RosterOptions = {
  allowed: () => 4,
  waitingCounts: true,
  limitsByKey: false,
  inOrder: false,
}

function add(roster: Roster, lane: LaneIndex = BULK, key = ''): Batch {
  const batch = new Batch(lane, [], 1, 1, key)
  roster.live.add(batch)
  return batch
}

t.test('in order, the pieces of a source go one behind the other', async (t) => {
  const roster = new Roster({ ...OPTIONS, inOrder: true })
  const whole = add(roster, BULK, 'push')
  const [first, second] = [new Batch(BULK, [], 1, 1, 'push'), new Batch(BULK, [], 1, 1, 'push')]
  const other = new Batch(BULK, [], 1, 1, 'net')
  roster.replace(whole, [other])
  roster.replace(whole, [first, second])
  t.equal(
    roster.takePiece(BULK, (batch) => batch === second),
    null,
    'not even where the first may not go',
  )
  t.equal(
    roster.takePiece(BULK, (batch) => batch !== first),
    other,
  )
  t.equal(
    roster.takePiece(BULK, () => true),
    first,
  )
  roster.line.push(first)
  t.equal(
    roster.takePiece(BULK, () => true),
    null,
    'while it is under way',
  )
  roster.line.pop()
  t.equal(
    roster.takePiece(BULK, () => true),
    second,
  )
})

t.test('what waits for limits of its key takes no place of others, but is bounded', async (t) => {
  const byKey = new Roster({ ...OPTIONS, limitsByKey: true })
  for (let n = 0; n < 4; n++) byKey.pieces.push(add(byKey, BULK, `key ${n}`))
  t.ok(byKey.mayCut(BULK))
  t.equal(byKey.oldestIdle(false), byKey.pieces[0], 'and gives way when the log is held up')
  for (const piece of byKey.pieces) piece.refusal = { acks: 0, open: 1, events: 2 }
  t.equal(byKey.oldestIdle(true), null, 'but not what was refused: it would be forgotten')
  for (let n = 4; n < WAITING_MAX; n++) byKey.waiting.add(add(byKey))
  t.notOk(byKey.mayCut(BULK))
  const bySink = new Roster(OPTIONS)
  for (let n = 0; n < 4; n++) bySink.pieces.push(add(bySink))
  t.notOk(bySink.mayCut(BULK))
  t.equal(bySink.oldestIdle(false), null)
})

t.test('who has to wait in line makes room', async (t) => {
  const roster = new Roster(OPTIONS)
  const [first, second] = [add(roster), add(roster)]
  roster.enqueue(first)
  roster.enqueue(second)
  t.equal(roster.stepAside(0), first)
  t.strictSame([roster.line, roster.pieces], [[second], [first]])
})

t.test('every fourth place is of bulk', async (t) => {
  const roster = new Roster(OPTIONS)
  for (const lane of [BULK, BULK, FAST, FAST, FAST, FAST] as const) roster.enqueue(add(roster, lane))
  const places = roster.line.map(({ lane }) => lane)
  t.strictSame(places.slice(0, FAST_IN_A_ROW_MAX + 2), [FAST, FAST, FAST, BULK, FAST])
})
