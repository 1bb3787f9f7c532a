/** Framing of what is decoded: whole messages, told apart by a delimiter, by their length, or as they came in datagrams. */
import { DATAGRAM_HEAD_BYTES, RUN_KIND } from '../../memory/frame-region.ts'
import type { Extent } from '../extent.ts'
import { OctetFrames } from './octets.ts'

const NUL = 0x00
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20

const frames = new OctetFrames(true)

/** Decodes the messages of [from, to). Returns the offset reached: `to`, or that of the message without room. */
export function frameMessages(extent: Extent, kind: number, from: number, to: number): number {
  if (kind === RUN_KIND.OCTETS) return frameOctets(extent, from, to)
  if (kind === RUN_KIND.DATAGRAMS) return frameDatagrams(extent, from, to)
  return frameDelimited(extent, from, to, kind === RUN_KIND.NULS ? NUL : LF)
}

/** RFC 6587 section 3.4.2: each message ends with a trailer, LF or, where so configured, NUL. */
function frameDelimited(extent: Extent, from: number, to: number, delimiter: number): number {
  const { nodeBuffer } = extent.arena
  let at = from
  while (at < to) {
    const found = nodeBuffer.indexOf(delimiter, at)
    const end = found === -1 || found > to ? to : found
    if (!takeMessage(extent, at, at, end)) return at
    at = end + 1
  }
  return to
}

function frameOctets(extent: Extent, from: number, to: number): number {
  frames.restart()
  let at = from
  while (at < to) {
    const next = frames.next(extent.bytes, at, to)
    // What is no frame can only be separators here; if it is not, it is no message less.
    const taken =
      next === -1
        ? takeMessage(extent, at, at, to)
        : takeMessage(extent, at, frames.messageFrom, frames.messageTo)
    if (!taken) return at
    at = next === -1 ? to : next
  }
  return to
}

/** RFC 5426: each datagram is one message, whatever is in it. */
function frameDatagrams(extent: Extent, from: number, to: number): number {
  const { bytes } = extent
  let at = from
  while (at < to) {
    const length = bytes[at]! | (bytes[at + 1]! << 7) | (bytes[at + 2]! << 14)
    const port = bytes[at + 3]! | (bytes[at + 4]! << 7) | (bytes[at + 5]! << 14)
    const address = at + DATAGRAM_HEAD_BYTES
    const payload = address + bytes[at + 6]!
    extent.setSender(address, payload, port)
    if (!takeMessage(extent, at, payload, payload + length)) return at
    extent.headBytes += payload - at
    at = payload + length
  }
  return to
}

/** False: the extent must stop before it, at `origin`. A message of blanks is none. */
function takeMessage(extent: Extent, origin: number, from: number, to: number): boolean {
  const { bytes } = extent
  let end = to
  while (end > from && isTrailer(bytes[end - 1]!)) end--
  let first = from
  while (first < end && (bytes[first] === SPACE || isTrailer(bytes[first]!))) first++
  if (first === end) return true
  if (extent.isFull()) return false
  return extent.decode(origin, from, end)
}

function isTrailer(byte: number): boolean {
  return byte === LF || byte === CR || byte === NUL
}
