/** Batches taken apart: what is left of them is never copied, only named anew. */
import type { Remark } from '../../encode/task.ts'
import type { ItemVerdict } from '../sink.ts'
import type { Part } from './batch.ts'
import { pickPart, recordsOf, splitPart } from './record-walk.ts'

/** The first `events` events of some parts, and the rest. */
export function divideAt(
  words: Int32Array,
  parts: readonly Part[],
  events: number,
): [first: Part[], rest: Part[]] {
  const first: Part[] = []
  let left = events
  for (const [index, part] of parts.entries()) {
    if (left === 0) return [first, parts.slice(index)]
    if (part.events <= left) {
      first.push(part)
      left -= part.events
      continue
    }
    const [done, rest] = splitPart(words, part, recordsOf(words, part)[left]!)
    return [
      [...first, done],
      [...rest, ...parts.slice(index + 1)],
    ]
  }
  return [first, []]
}

/** The parts of a batch by what became of their events. */
export interface Divided {
  readonly delivered: Part[]
  readonly retry: Part[]
  /** Each with what the server said of all of its events. */
  readonly rejected: Map<Part, Remark>
}

const DELIVERED = 0
const RETRY = 1
const REJECTED = 2

/**
 * Divides a batch by the verdicts on its events, which are numbered in the order of the payload. Null where the verdicts
 * can't be of this batch: one that it has not, or one twice.
 */
export function divideByVerdict(
  words: Int32Array,
  parts: readonly Part[],
  items: readonly ItemVerdict[],
): Divided | null {
  const events = parts.reduce((sum, part) => sum + part.events, 0)
  const verdicts = new Uint8Array(events)
  const remarks = new Map<number, ItemVerdict>()
  for (const item of items) {
    const { index, kind } = item
    if (!(index >= 0 && index < events) || verdicts[index] !== DELIVERED) return null
    verdicts[index] = kind === 'retry' ? RETRY : REJECTED
    if (kind === 'reject') remarks.set(index, item)
  }
  const divided: Divided = { delivered: [], retry: [], rejected: new Map() }
  let from = 0
  for (const part of parts) {
    addPart(words, part, verdicts.subarray(from, from + part.events), (i) => remarks.get(from + i)!, divided)
    from += part.events
  }
  return divided
}

function addPart(
  words: Int32Array,
  part: Part,
  verdicts: Uint8Array,
  itemOf: (index: number) => ItemVerdict,
  { delivered, retry, rejected }: Divided,
): void {
  if (!verdicts.includes(RETRY) && !verdicts.includes(REJECTED)) {
    delivered.push(part)
    return
  }
  const records = recordsOf(words, part)
  const pickOf = (taken: (index: number) => boolean) =>
    pickPart(
      words,
      part.of,
      records.filter((_, index) => taken(index)),
    )
  const taken = pickOf((index) => verdicts[index] === DELIVERED)
  if (taken !== null) delivered.push(taken)
  const again = pickOf((index) => verdicts[index] === RETRY)
  if (again !== null) retry.push(again)
  // One part for all that the same was said of.
  const groups = new Map<string, number[]>()
  for (const [index, verdict] of verdicts.entries()) {
    if (verdict !== REJECTED) continue
    const { reason, status } = itemOf(index)
    const said = `${status} ${reason}`
    const group = groups.get(said)
    if (group === undefined) groups.set(said, [index])
    else group.push(index)
  }
  for (const group of groups.values()) {
    const refused = pickPart(
      words,
      part.of,
      Uint16Array.from(group, (index) => records[index]!),
    )
    const { reason, status } = itemOf(group[0]!)
    rejected.set(refused!, { reason, ...(status === undefined ? {} : { status }) })
  }
}
