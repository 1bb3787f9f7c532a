/** The events of a torture: each has a number, and the number alone decides what it says and who must get it. */
import { FIRST_NUMBER } from '../load/tally.ts'

const SEVERITIES = 11
/** Every so many-th event is none: the collector must refuse it, and keep it as a dead letter. */
const MALFORMED_EVERY = 97
/** What the second sink gets; see `SECOND_WHERE`. */
const SECOND_SEVERITY_MIN = 4
const FILLER = 'a door that is opened at night, by somebody who has the key; '.repeat(3)

/** The `where` of the second sink. */
export const SECOND_WHERE = { severity: { gte: SECOND_SEVERITY_MIN } } as const

export function isMalformed(index: number): boolean {
  return index % MALFORMED_EVERY === MALFORMED_EVERY - 1
}

function severityOf(index: number): number {
  return isMalformed(index) ? SEVERITIES : index % SEVERITIES
}

/** Whether an event must come to a sink: 0 gets all that is well formed, 1 what its `where` lets through. */
export function isFor(sink: number, index: number): boolean {
  return !isMalformed(index) && (sink === 0 || severityOf(index) >= SECOND_SEVERITY_MIN)
}

/** How many of events [first, first + count) are well formed. */
export function countWellFormed(first: number, count: number): number {
  let malformed = 0
  for (let index = first; index < first + count; index++) if (isMalformed(index)) malformed++
  return count - malformed
}

/** A body of NDJSON. */
export function bodyOf(first: number, count: number): string {
  let body = ''
  for (let index = first; index < first + count; index++) {
    body +=
      `{"seq":${FIRST_NUMBER + index},"timestamp":"2026-03-01T08:00:00Z","source_ip":"192.0.2.7",` +
      `"event_type":"torture","severity":${severityOf(index)},"raw_payload":{"text":"${FILLER}"}}\n`
  }
  return body
}
