import { withoutIndexes } from './failure.ts'
import type { Letter } from './letter.ts'
import type { LetterId } from './letter-id.ts'

/** Which letters: all conditions must hold; what is absent, or an empty list, asks for nothing. */
export interface Selection {
  /** One of these. */
  readonly categories?: readonly string[] | undefined
  /** Of one of these sources. */
  readonly sources?: readonly string[] | undefined
  /** Given up for one of these sinks. */
  readonly sinks?: readonly string[] | undefined
  /** JSON pointer to what was wrong, exactly, or with `*` in place of all array indexes. */
  readonly path?: string | undefined
  /** Received at or after, and before this. Epoch milliseconds. */
  readonly sinceMs?: number | undefined
  readonly untilMs?: number | undefined
  /** One of these. */
  readonly ids?: readonly LetterId[] | undefined
  /** The destination's words, or what was expected, hold this text; case doesn't count. */
  readonly reason?: string | undefined
  /** So many at most: the first ones of the queue. */
  readonly max?: number | undefined
}

/** Whether anything at all is asked for. */
export function isEverything(selection: Selection): boolean {
  return Object.values(selection).every(
    (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0),
  )
}

/** What a selection asks of a letter itself: everything but `ids` and `max`. */
export function letterFilter(selection: Selection): (letter: Letter) => boolean {
  const { path, sinceMs, untilMs } = selection
  const conditions: ((letter: Letter) => boolean)[] = []
  const oneOf = (names: readonly string[] | undefined, valueOf: (letter: Letter) => string | undefined) => {
    if (names === undefined || names.length === 0) return
    const chosen = new Set(names)
    conditions.push((letter) => chosen.has(valueOf(letter) ?? ''))
  }
  oneOf(selection.categories, ({ category }) => category)
  oneOf(selection.sources, ({ source }) => source)
  oneOf(selection.sinks, ({ sink }) => sink)
  if (path !== undefined)
    conditions.push((letter) => letter.path === path || withoutIndexes(letter.path ?? '') === path)
  if (sinceMs !== undefined) conditions.push((letter) => Date.parse(letter.received_at) >= sinceMs)
  if (untilMs !== undefined) conditions.push((letter) => Date.parse(letter.received_at) < untilMs)
  if (selection.reason !== undefined) {
    const sought = selection.reason.toLowerCase()
    const holds = (text = '') => text.toLowerCase().includes(sought)
    conditions.push((letter) => holds(letter.reason) || holds(letter.expected))
  }
  return (letter) => conditions.every((holds) => holds(letter))
}
