/** Turns messages of another format into events: what the extent of a decoded source asks of its decoder. */
export interface MessageDecoder {
  /** Severity (0 to 10) and time (epoch milliseconds; NaN: it has none) of the message decoded last. */
  readonly severity: number
  readonly timeMs: number
  /** Before the messages of an extent: when it arrived, epoch milliseconds. */
  begin(receivedAtMs: number): void
  /** The address of whoever sent the messages that follow: ASCII in the arena, without port and brackets. */
  setPeer(from: number, to: number): void
  /**
   * Decodes the message [from, to) into one line of JSON in [out, outTo), its line feed included. `utf8`: it is known to
   * be UTF-8. Returns the offset behind the line, or DECODE_NO_ROOM.
   */
  decode(from: number, to: number, out: number, outTo: number, utf8: boolean): number
}

export const DECODE_NO_ROOM = -1
