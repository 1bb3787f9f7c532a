/**
 * The frame region: what stands beside an extent's bytes, in the same slab (or, for the rest of an extent whose table
 * was full, in a table slab). The main thread lays it out when it cuts the extent, a worker fills it.
 *
 *     region                                                        region + regionBytes(runs, capacity)
 *       |  header  |  run 0 | run 1 | ... |  record 0 | record 1 | ...  (capacity)
 *         208 B       96 B each              16 B each
 *
 * A run is a piece of one stream (a connection, a request) in a shared extent, with room for what became of it.
 * A record is an accepted event. Words are 32 bits, little-endian.
 *
 *     record word 0   offset from the frame's first byte : 24 | severity : 4 | flags : 4 (see RECORD_*)
 *     record word 1   length in bytes, of the value alone : 24 | marks : 8 (MARK_*, gone once the frame is sealed)
 *     record word 2   event time, milliseconds after the frame's first event
 *     record word 3   route mask : 16 (bit i = filter i said yes) | index in its first frame : 16, of a DEFERRED one
 */
export const HEADER_BYTES = 208
export const RUN_BYTES = 96
export const RECORD_BYTES = 16

const RUN_WORDS = RUN_BYTES / 4
export const PEER_BYTES_MAX = 48

/** Most records of one frame; a fuller extent becomes several frames. */
export const FRAME_RECORDS_MAX = 16_384
/** Most runs of one extent. */
export const EXTENT_RUNS_MAX = 1024

/**
 * Header words, relative to the region. The worker writes what it knows when it seals the frame, the main thread the
 * rest when it appends the frame to the journal. SOURCE, BYTES_FROM and the runs' FROM are those of the run of the
 * collector that made the frame: read back later, offsets are told by their distance to BYTES_FROM.
 */
export const HEADER = {
  MAGIC: 0,
  VERSION: 1,
  EPOCH: 2, // 64 bits, random at every start; main thread
  SEQUENCE: 4, // 64 bits, from 1, rising over restarts; main thread
  SOURCE: 6, // index in the checkpoint of the frame's segment
  RECORDS: 7,
  FAST: 8,
  BREAKS: 9, // records with RECORD_BREAK
  BYTES_FROM: 10, // absolute offset of the frame's first byte in the arena where it was made
  BYTES: 11,
  RUNS: 12,
  KIND: 13, // FRAME_KIND
  FIRST_TIME: 14, // double, epoch milliseconds of the frame's earliest event
  LAST_TIME: 16, // double
  RECEIVED_AT: 18, // double, epoch milliseconds when the extent was cut
  SEGMENT: 20, // number of the segment that it was written to; main thread
  BODY_CRC: 21, // of everything behind the header: runs, table, bytes
  RECEIVED_BYTES: 22, // of its source: everything from the first byte to the last that this frame tells of
  SINK: 23, // of a DEFERRED frame: index in the checkpoint of its segment
  REJECTED_BY: 24, // one word a category, as in the ring entry
  ORIGIN_EPOCH: 30, // 64 bits, of a DEFERRED frame: those of the frame that its records came with
  ORIGIN_SEQUENCE: 32, // 64 bits
  ACCEPTED_BEFORE: 34, // double: events of the source in the frames before this one; main thread
  SHED_BY: 36, // one word a severity, 0 to 10
  MEANT_FOR: 47, // 64 bits: sinks of the checkpoint of its segment (src/memory/meant-for.ts); 0: all that read its source
  HEAD_CRC: 51, // of the words before; main thread, last of all
} as const
export const FRAME_MAGIC = 0x4d4c5053 // 'SPLM'
export const FRAME_VERSION = 2

/** What a frame is. */
export const FRAME_KIND = {
  /** Accepted events, and the counts of everything that its extent brought; may hold no event. */
  EVENTS: 0,
  /** The first frame of a segment: JSON (src/journal/checkpoint.ts), no runs, no records. Has the sequence of the next. */
  CHECKPOINT: 1,
  /** Events of one earlier frame that one sink has not settled, again, with their ids. Counted nowhere. */
  DEFERRED: 2,
} as const

/** Run words, relative to the run. The first six are the main thread's, the rest the worker's answer. */
export const RUN = {
  FROM: 0, // absolute, as HEADER.BYTES_FROM; a run ends where the next begins
  STREAM: 1, // 0: nobody waits for an answer
  KIND: 2, // RUN_KIND | RUN_FLAG
  STATE: 3, // framing state of a structural stream: in, then out
  LENGTH: 4, // whole length of an oversize record, of which the run holds the beginning
  PEER_BYTES: 5,
  RECORDS: 6,
  ACCEPTED: 7,
  REJECTED: 8,
  OUTCOME: 9, // RUN_OUTCOME
  SHED: 10,
  PEER: 12, // 48 bytes of ASCII
} as const

/** How the bytes of a run are framed. */
export const RUN_KIND = {
  LINES: 0, // whole lines, each ending with LF
  DOCUMENTS: 1, // JSON documents, arrays and envelopes, told apart by structure
  AUTO: 2, // LINES if the first line is a complete JSON value, else DOCUMENTS
  OVERSIZE: 3, // the beginning of one record that is too long
  BROKEN: 4, // a record that its stream broke off
  OCTETS: 5, // whole frames, each with its length before it (src/scan/framing/octets.ts); decoded sources only, as below
  NULS: 6, // whole messages, each ending with NUL
  DATAGRAMS: 7, // whole datagrams, each with its sender before it (DATAGRAM_*)
} as const
export const RUN_KIND_MASK = 0xff
export const RUN_BEGIN = 1 << 8 // the stream's first byte is the run's first
export const RUN_END = 1 << 9 // the stream's last byte is the run's last
export const RUN_COUNTED = 1 << 10 // an OVERSIZE run begins with the length of its message

/**
 * A datagram in a run of DATAGRAMS; the address is ASCII, without brackets. Numbers are 7 bits a byte, lowest first, so
 * that an extent of datagrams that are UTF-8 is UTF-8 itself and no datagram has to be looked at alone.
 *
 *     length of the payload : 3 bytes | port : 3 bytes | length of the address : 1 byte | address | payload
 */
export const DATAGRAM_HEAD_BYTES = 7
export const DATAGRAM_ADDRESS_BYTES_MAX = 64

export const RUN_OUTCOME = {
  OK: 0,
  LINES: 1, // an AUTO run turned out to be LINES
  DOCUMENTS: 2, // ... or DOCUMENTS
  BAD_FRAMING: 3, // structure lost: the rest of the stream can't be framed
} as const

/** Record flags, bits 28..31 of word 0. */
export const RECORD_FAST = 1 << 28
/** What lies between the record before and this one can't be sent: a run of records to send begins here. */
export const RECORD_BREAK = 1 << 29
/** The byte behind the record is a line feed. */
export const RECORD_LF = 1 << 30

/** Sets of lanes: a record with RECORD_FAST is of the fast lane, any other of bulk. */
export const LANES_BULK = 1
export const LANES_FAST = 2
export const LANES_BOTH = 3

/** Marks, bits 24..31 of word 1: what the sealing of the frame has to do for a record. */
/** Raw line breaks stand between the value's tokens: they become blanks. */
export const MARK_RAW_BREAKS = 1 << 24
/** Framed by structure: what stands around the record (commas, brackets) becomes one line feed and blanks. */
export const MARK_STRUCTURAL = 1 << 25

export function regionBytes(runs: number, capacity: number): number {
  return HEADER_BYTES + runs * RUN_BYTES + capacity * RECORD_BYTES
}

/** Frames stand in a journal at multiples of 8 bytes: header, runs, table, bytes, padding. */
export function frameBytes(runs: number, records: number, bytes: number): number {
  return (regionBytes(runs, records) + bytes + 7) & ~7
}

/** Word index of a run. */
export function runWord(region: number, run: number): number {
  return ((region + HEADER_BYTES) >> 2) + run * RUN_WORDS
}

/** Where a run begins, from the frame's first byte: wherever the frame lies now. */
export function runOffset(words: Int32Array, region: number, run: number): number {
  return words[runWord(region, run) + RUN.FROM]! - words[(region >> 2) + HEADER.BYTES_FROM]!
}

/** Word index of a record of the table. */
export function recordWord(region: number, runs: number, record: number): number {
  return ((region + HEADER_BYTES + runs * RUN_BYTES) >> 2) + record * 4
}

/**
 * Whether the record whose words begin at `word` is one of those meant by a route bit (0: any) and a set of lanes
 * (LANES_*).
 */
export function isMeant(words: Int32Array, word: number, routeBit: number, lanes: number): boolean {
  const lane = (words[word]! & RECORD_FAST) === 0 ? LANES_BULK : LANES_FAST
  return (lanes & lane) !== 0 && (routeBit === 0 || (words[word + 3]! & routeBit) !== 0)
}

export function recordOffset(word0: number): number {
  return word0 & 0xffffff
}

export function recordSeverity(word0: number): number {
  return (word0 >>> 24) & 0xf
}

export function recordLength(word1: number): number {
  return word1 & 0xffffff
}
