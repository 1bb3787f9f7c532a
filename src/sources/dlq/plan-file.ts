import { join } from 'node:path'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import type { FileIo } from '../../base/file-io.ts'
import { isNotFound, readWhole, replaceWhole } from '../../base/small-file.ts'
import type { LetterId, LetterRun } from '../../dlq/letter-id.ts'

const PLAN_FILE = 'replay.json'
const count = Type.Integer({ minimum: 0 })
const planSchema = Type.Object({
  version: Type.Literal(1),
  received: count,
  letters: Type.Array(Type.Tuple([Type.String(), count, count])),
})

/**
 * What is about to be replayed. The count of what the source `dlq` has received rises by one a letter, in the order of the
 * plan and in the step that commits its record, and the journal keeps it; so after a crash that count tells how many letters
 * of the plan are through.
 */
export interface ReplayPlan {
  /** By the source `dlq`, before the first of these. */
  readonly received: number
  /** In the order in which they are sent. */
  readonly letters: readonly LetterRun[]
}

/** `data_dir/dlq/replay.json`: there while a replay is under way, and after a crash. */
export class PlanFile {
  readonly #directory: string
  readonly #io: FileIo

  constructor(directory: string, io: FileIo) {
    this.#directory = directory
    this.#io = io
  }

  get path(): string {
    return join(this.#directory, PLAN_FILE)
  }

  /** On disk when it resolves, in place of the one before. */
  async write({ received, letters }: ReplayPlan): Promise<void> {
    const plan = {
      version: 1,
      received,
      letters: letters.map((run) => [run.file, run.line, run.count ?? 1]),
    }
    await replaceWhole(this.path, Buffer.from(JSON.stringify(plan)), this.#io)
  }

  /** Null where there is none. Throws what the disk says, or that it is no plan. */
  async read(): Promise<ReplayPlan | null> {
    const bytes = await readWhole(this.path, this.#io)
    if (bytes === null) return null
    const plan: unknown = JSON.parse(bytes.toString())
    if (!Check(planSchema, plan)) throw new Error('it is no plan of a replay')
    const letters = plan.letters.map(([name, line, lines]) => ({ file: name, line, count: lines }))
    return { received: plan.received, letters }
  }

  async remove(): Promise<void> {
    await this.#io.unlink(this.path).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
    await this.#io.syncDirectory(this.#directory)
  }
}

/** Letters that stand one behind the other become one run. */
export function runsOf(letters: readonly LetterId[]): LetterRun[] {
  const runs: { file: string; line: number; count: number }[] = []
  for (const { file, line } of letters) {
    const last = runs.at(-1)
    if (last !== undefined && last.file === file && last.line + last.count === line) last.count++
    else runs.push({ file, line, count: 1 })
  }
  return runs
}

/** The first letters of some runs. */
export function firstLetters(runs: readonly LetterRun[], letters: number): LetterRun[] {
  const first: LetterRun[] = []
  let left = letters
  for (const { file, line, count: length = 1 } of runs) {
    if (left <= 0) break
    first.push({ file, line, count: Math.min(length, left) })
    left -= length
  }
  return first
}

export function lettersIn(runs: readonly LetterRun[]): number {
  return runs.reduce((sum, { count: length = 1 }) => sum + length, 0)
}
