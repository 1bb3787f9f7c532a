import { Buffer } from 'node:buffer'
import { EVENT_ID_BYTES_MAX } from '../memory/event-id.ts'
import type { EncodeTask } from './task.ts'

/** RFC 8259 strings need no escapes for an id, so these are whole with it between them. */
export const BULK_ACTION_HEAD = '{"create":{"_id":"'
export const BULK_ACTION_TAIL = '"}}\n'

/** What stands before the id where it is the first member of an event, and after it when others follow. */
export function idMemberHead(eventIdField: string): string {
  return `{${JSON.stringify(eventIdField)}:"`
}
export const ID_MEMBER_TAIL = '",'

/** What each event is given beside its own bytes, at most: its id, as a member or in a line before it. */
export function idBytesMax({ format, eventIdField }: Pick<EncodeTask, 'format' | 'eventIdField'>): number {
  let bytes = 0
  if (format === 'bulk') bytes += BULK_ACTION_HEAD.length + EVENT_ID_BYTES_MAX + BULK_ACTION_TAIL.length
  if (eventIdField !== undefined)
    bytes += Buffer.byteLength(idMemberHead(eventIdField)) - 1 + EVENT_ID_BYTES_MAX + ID_MEMBER_TAIL.length
  return bytes
}
