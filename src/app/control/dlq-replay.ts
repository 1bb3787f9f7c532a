import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { spwError } from '../../base/errors.ts'
import { LETTER_LINE_MAX } from '../../dlq/letter-id.ts'
import type { ReplayRequest, ReplayStatus } from '../../sources/dlq/index.ts'
import type { ControlHandler } from './server.ts'

/** A ReplayRequest to its first ReplayAnswer. */
export const REPLAY_METHOD = 'dlq/replay'
/** `{}` to a ReplayAnswer: of the replay that is under way, or of the last one. */
export const REPLAY_STATUS_METHOD = 'dlq/replay-status'
/** `{}` to a ReplayAnswer: nothing more is sent; its status tells when it has ended. */
export const REPLAY_STOP_METHOD = 'dlq/replay-stop'

export interface ReplayAnswer {
  readonly replay: ReplayStatus | null
}

const RATE_MAX = 1e6
/** Ids of one request, so that it stays below 64 KiB. */
export const REPLAY_IDS_MAX = 500

const name = Type.String({ maxLength: 100 })
const names = Type.Optional(Type.Array(name, { maxItems: 200 }))
const time = Type.Optional(Type.Number())
const line = Type.Integer({ minimum: 1, maximum: LETTER_LINE_MAX })
const text = Type.Optional(Type.String({ maxLength: 1024 }))
const requestSchema = Type.Object({
  selection: Type.Object({
    categories: names,
    sources: names,
    sinks: names,
    path: text,
    sinceMs: time,
    untilMs: time,
    ids: Type.Optional(Type.Array(Type.Object({ file: name, line }), { maxItems: REPLAY_IDS_MAX })),
    reason: text,
    max: Type.Optional(Type.Integer({ minimum: 1 })),
  }),
  sinks: names,
  schema: Type.Optional(name),
  rate: Type.Number({ exclusiveMinimum: 0, maximum: RATE_MAX }),
})

/** The source that letters are replayed by. */
export interface Replaying {
  readonly status: ReplayStatus | null
  begin(request: ReplayRequest): ReplayStatus
  halt(): ReplayStatus | null
}

export function replayHandlers(replaying: Replaying): Readonly<Record<string, ControlHandler>> {
  return {
    async [REPLAY_METHOD](body) {
      if (!Check(requestSchema, body)) {
        throw spwError('SPW_ERR_OPTION_INVALID', {
          option: REPLAY_METHOD,
          reason: 'not as this version asks',
        })
      }
      return answer(replaying.begin(body))
    },
    [REPLAY_STATUS_METHOD]: () => answer(replaying.status),
    [REPLAY_STOP_METHOD]: () => answer(replaying.halt()),
  }
}

function answer(replay: ReplayStatus | null): Promise<ReplayAnswer> {
  return Promise.resolve({ replay })
}
