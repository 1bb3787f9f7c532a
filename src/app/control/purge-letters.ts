import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Check } from 'typebox/value'
import { spwError } from '../../base/errors.ts'
import { LETTER_LINE_MAX } from '../../dlq/letter-id.ts'
import type { LetterRun } from '../../dlq/letter-id.ts'
import type { MarkKind } from '../../dlq/marks.ts'
import type { ControlHandler } from './server.ts'

/** `{ "files": { "push.00000001.ndjson": [[17, 20], [22, 22]] } }`, first and last lines, to `{ "purged": letters }`. */
export const PURGE_METHOD = 'dlq/purge'

const line = Type.Integer({ minimum: 1, maximum: LETTER_LINE_MAX })
const requestSchema = Type.Object({
  files: Type.Record(Type.String({ maxLength: 100 }), Type.Array(Type.Tuple([line, line]))),
})
const answerSchema = Type.Object({ purged: Type.Integer({ minimum: 0 }) })

export type PurgeRequest = Static<typeof requestSchema>

/** The dead-letter queue of the collector that runs. */
export interface MarkableLetters {
  mark(letters: readonly LetterRun[], kind: MarkKind): Promise<number>
}

/** The command has read and chosen; what is asked for here costs no more than what it names. */
export function purgeHandler(letters: MarkableLetters): ControlHandler {
  return async (body) => {
    if (!Check(requestSchema, body)) {
      throw spwError('SPW_ERR_OPTION_INVALID', { option: PURGE_METHOD, reason: 'not as this version asks' })
    }
    return { purged: await letters.mark(runsOf(body), 'purged') }
  }
}

export function runsOf({ files }: PurgeRequest): LetterRun[] {
  return Object.entries(files).flatMap(([file, runs]) =>
    runs.map(([first, last]) => ({ file, line: first, count: last - first + 1 })),
  )
}

/** Letters that were purged, of an answer. */
export function purgedOf(answer: unknown): number {
  return Check(answerSchema, answer) ? answer.purged : 0
}
