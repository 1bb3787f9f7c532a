import { KIB } from '../../base/units.ts'
import { DATAGRAM_ADDRESS_BYTES_MAX, DATAGRAM_HEAD_BYTES, RUN_KIND } from '../../memory/frame-region.ts'
import type { Stream, StreamWriter } from './stream.ts'

/** Room that any datagram finds: RFC 768 bounds its payload, an IPv6 address with a scope the rest. */
export const DATAGRAM_ROOM_BYTES = 64 * KIB + DATAGRAM_HEAD_BYTES + DATAGRAM_ADDRESS_BYTES_MAX

/** Datagrams of any number of senders, each whole, with its sender before it, in the source's shared lane. */
export class DatagramWriter implements StreamWriter {
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
  }

  /** False: there was no room, the datagram was not taken. */
  put(payload: Uint8Array, address: string, port: number): boolean {
    const lane = this.#stream.intake.laneFor(this.#stream, RUN_KIND.DATAGRAMS, DATAGRAM_ROOM_BYTES)
    if (lane === null) return false
    lane.appendDatagram(payload, address, port)
    this.#stream.intake.poke(lane)
    return true
  }

  take(): null {
    throw new Error('datagrams are put one by one')
  }

  finish(): boolean {
    return true
  }

  extentDone(): void {}

  close(): void {}
}
