import { KIND, LETTER, TAG, isOneOf, skipBlanks, startsWith, wordEnd, wordList } from './characters.ts'
import { NONE } from './clock-time.ts'
import type { SyslogFields } from './fields.ts'
import { isHost, isLevel } from './host.ts'

const COLON = 0x3a
const OPEN = 0x5b
const CLOSE = 0x5d
const PARTS_MAX = 4
/** AIX's syslogd, of what it passes on. */
const [FORWARDED] = wordList('message forwarded from ')
/** Juniper's ScreenOS. */
const NETSCREEN = wordList('netscreen')

/**
 * Takes the host where a vendor has a place of its own for it:
 *
 *     "Message forwarded from " host ":"                     ; AIX
 *     host ": NetScreen device_id="                          ; ScreenOS
 *     "[" host ":" [task ":"] event ":" severity "]:"        ; NetApp ONTAP; all of it stays in the message
 *
 * `end`: of the word at `at`.
 *
 * @returns where the tag or the message begins, or NONE
 */
export function readNamedHost(
  bytes: Uint8Array,
  at: number,
  end: number,
  to: number,
  fields: SyslogFields,
): number {
  if (bytes[at] === OPEN) return readOntapHost(bytes, at, to, fields)
  if (startsWith(bytes, at, to, FORWARDED!)) return readHost(bytes, at + FORWARDED!.length, to, fields)
  if (bytes[end - 1] !== COLON) return NONE
  const next = skipBlanks(bytes, end, to)
  if (!isOneOf(bytes, next, wordEnd(bytes, next, to), NETSCREEN)) return NONE
  return readHost(bytes, at, to, fields)
}

/** A host with a colon behind it. */
function readHost(bytes: Uint8Array, at: number, to: number, fields: SyslogFields): number {
  const end = wordEnd(bytes, at, to)
  if (bytes[end - 1] !== COLON || !isHost(bytes, at, end - 1)) return NONE
  fields.setHost(at, end - 1)
  return skipBlanks(bytes, end, to)
}

function readOntapHost(bytes: Uint8Array, open: number, to: number, fields: SyslogFields): number {
  let at = open + 1
  let hostEnd = NONE
  for (let part = 1; part <= PARTS_MAX; part++) {
    const from = skipBlanks(bytes, at, to)
    at = from
    while (at < to && (KIND[bytes[at]!]! & TAG) !== 0) at++
    if (at + 1 >= to) return NONE
    if (bytes[at] === CLOSE) {
      if (part < 3 || bytes[at + 1] !== COLON || !isLevel(bytes, from, at)) return NONE
      fields.setHost(open + 1, hostEnd)
      return open
    }
    if (bytes[at] !== COLON || (KIND[bytes[from]!]! & LETTER) === 0) return NONE
    if (part === 1) {
      if (!isHost(bytes, from, at)) return NONE
      hostEnd = at
    }
    at++
  }
  return NONE
}
