import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { nodeFileIo } from '../../../src/base/file-io.ts'
import type { LetterRun } from '../../../src/dlq/letter-id.ts'
import { DlqSource } from '../../../src/sources/dlq/index.ts'
import { PlanFile, firstLetters, lettersIn, runsOf } from '../../../src/sources/dlq/plan-file.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'

const letters: readonly LetterRun[] = [
  { file: 'push.00000001.ndjson', line: 3, count: 2 },
  { file: 'push.00000002.ndjson', line: 1, count: 4 },
]

void t.test('letters as runs', async (t) => {
  const file = 'push.00000001.ndjson'
  const ids = [3, 4, 6].map((line) => ({ file, line }))
  const runs = runsOf([...ids, { file: 'net.00000002.ndjson', line: 7 }])
  t.same(runs, [
    { file, line: 3, count: 2 },
    { file, line: 6, count: 1 },
    { file: 'net.00000002.ndjson', line: 7, count: 1 },
  ])
  t.equal(lettersIn(runs), 4)
  t.same(firstLetters(runs, 0), [])
  t.same(firstLetters(runs, 1), [{ file, line: 3, count: 1 }])
  t.same(firstLetters(runs, 3), runs.slice(0, 2))
  t.same(firstLetters(runs, 9), runs)
})

void t.test('a plan is read as it was written, and replaced as a whole', async (t) => {
  const plan = new PlanFile(temporaryDirectory(t), nodeFileIo)
  t.equal(await plan.read(), null)
  await plan.remove()
  await plan.write({ received: 7, letters })
  t.same(await plan.read(), { received: 7, letters })
  await plan.write({ received: 13, letters: [] })
  t.same(await plan.read(), { received: 13, letters: [] })
  await plan.remove()
  t.equal(await plan.read(), null)
})

/** A source that starts behind a crash, with what it marks and tells. */
async function startBehindCrash(
  test: Test,
  received: number,
  { write, failing = 0 }: { write?: (path: string) => void; failing?: number } = {},
) {
  const directory = temporaryDirectory(test)
  const plan = new PlanFile(directory, nodeFileIo)
  await plan.write({ received: 10, letters })
  write?.(join(directory, 'replay.json'))
  const marked: LetterRun[] = []
  const told: string[] = []
  let failures = failing
  const source = new DlqSource({
    intake: () => test.fail('nothing is sent') as never,
    clock: systemClock,
    events: {
      replayBegan: () => void told.push('began'),
      replayEnded: (state) => void told.push(state),
      replayRecovered: (replayed, planned) => void told.push(`${replayed} of ${planned}`),
      replayPlanUnusable: (_, reason) => void told.push(reason),
    },
    directory,
    io: nodeFileIo,
    queue: {
      async mark(runs) {
        if (failures-- > 0) throw new Error('the disk fails')
        marked.push(...runs)
        return lettersIn(runs)
      },
      committedBytes: () => 0,
    },
    routing: { sources: [], sinks: [], schemas: [] },
    filterIndexes: [],
    counts: { received },
    keepsCounts: true,
    mustWait: () => null,
  })
  await source.start()
  return { source, plan, marked, told }
}

void t.test('behind a crash, what was received is marked, and no more', async (t) => {
  for (const [received, expected] of [
    [10, []],
    [13, [letters[0], { file: 'push.00000002.ndjson', line: 1, count: 1 }]],
    [16, letters],
  ] as const) {
    const { plan, marked } = await startBehindCrash(t, received)
    t.same(marked, expected, `${received - 10} of 6`)
    t.equal(await plan.read(), null, 'the plan has served')
  }
})

void t.test('a plan that tells nothing is told of, and goes', async (t) => {
  for (const received of [9, 17]) {
    const { plan, marked, told } = await startBehindCrash(t, received)
    t.same(told, ['the journal has another past'])
    t.same(marked, [])
    t.equal(await plan.read(), null)
  }
  for (const damaged of ['{"version":2}', '{"vers']) {
    const { plan, marked, told } = await startBehindCrash(t, 13, {
      write: (path) => writeFileSync(path, damaged),
    })
    t.equal(told.length, 1)
    t.same(marked, [])
    t.equal(await plan.read(), null)
  }
})

void t.test('where the disk fails the plan stays', async (t) => {
  const { plan, marked } = await startBehindCrash(t, 13, { failing: 1 })
  t.same(marked, [])
  t.match(await plan.read(), { received: 10 })
})
