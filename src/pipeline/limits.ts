/**
 * Limits that are no user's business to set, but that memory is summed from. One place, so that the sum printed at
 * start and the code that keeps to it can't differ.
 */
import { KIB, MIB } from '../base/units.ts'
import { ENTRY_BYTES } from '../memory/extent-ring.ts'
import { FILTERS_MAX } from '../scan/where.ts'

/** Slabs kept free of every share: per source, one being filled and one for a record that outgrew its block. */
export const RESERVE_SLABS_PER_SOURCE = 2
/** Per source whose messages are decoded: one for the events of its oldest extent. */
export const RESERVE_SLABS_PER_DECODER = 1
/** Per worker: one output slab and one table slab, so that a started task can always finish. */
export const RESERVE_SLABS_PER_WORKER = 2
/** Per sink: what it encodes or dead-letters goes into slabs of its own, so that it drains a full arena. */
export const RESERVE_SLABS_PER_SINK = 2
/** Per sink with a journal on disk: one for each lane, for what it reads back. */
export const RESERVE_SLABS_READ_BACK = 2
/** Slabs beyond the reserves without which nothing would flow. */
export const SHARED_SLABS_MIN = 4

/** Header of a frame and of an output slab; a batch must leave it free. */
export const SLAB_HEADROOM_BYTES = 4 * KIB

/** At most this many sinks have a `where`: each is a bit of the route mask in a record's table entry. */
export const FILTERED_SINKS_MAX = FILTERS_MAX
export const SOURCES_MAX = 64
export const SINKS_MAX = 64

/** Cold TCP connections of a source are read, one after another, into one buffer of this size. */
export const TCP_SCRATCH_BYTES = 64 * KIB
/** Cold TCP connections of a source are offered so much to read into, all together: what they read may have to wait. */
export const TCP_PARKED_BYTES = 16 * MIB
/** A cold connection's unfinished record waits in a block of this size. */
export const UNFINISHED_BLOCK_BYTES = 4 * KIB

/** Standard input is read into one buffer of this size; what can't be placed at once is copied. */
export const STDIN_READ_BYTES = 64 * KIB

/**
 * node:dgram makes a buffer for each datagram; V8 frees them when 64 MiB outside its heap have come together, and goes on
 * receiving while it looks for them (90 MiB seen, with 1.2 GB a second in datagrams of 60 KB). Over all sources.
 */
export const DATAGRAM_GARBAGE_BYTES_MAX = 96 * MIB

/** Connections of an http source are read, one after another, into one buffer of this size. */
export const HTTP_SCRATCH_BYTES = 64 * KIB
/** The head of a request: node:http refuses a longer one with 431, and one with more fields. */
export const HTTP_HEAD_BYTES_MAX = 8 * KIB
export const HTTP_HEAD_FIELDS_MAX = 100
/** A head is kept as strings, two for each field: up to 14 KiB of heap, also while its end has not come. */
export const HTTP_HEAD_HELD_BYTES = 16 * KIB
/**
 * What one request may hold of its body outside of the arena: 64 KiB of a small body that is collected, a read of
 * 64 KiB that waits for room in its Stream, and in node:http a further one and what stood below the high-water mark.
 */
export const HTTP_BODY_IN_FLIGHT_BYTES = 200 * KIB
/** Compressed bodies being inflated at once, over all sources; further ones wait unread. */
export const INFLATERS_MAX = 64
/** One inflater with its window and output buffer (zstd's window is capped to fit). */
export const INFLATER_BYTES = 300 * KIB

/**
 * What one request of a poll may hold of its answer outside of the arena: 64 KiB of a small one that is collected, and
 * beside it what its socket has read when it pauses, up to 128 KiB, which may come as one chunk that then waits for room
 * in its Stream, with a read of 64 KiB under way; the same again for what TLS or an inflater has in hand.
 */
export const POLL_BODY_IN_FLIGHT_BYTES = 512 * KIB

/** Requests of a sink with `request.concurrency: adaptive` that are in flight at once. */
export const ADAPTIVE_CONCURRENCY_MAX = 200
/** An answer of a destination is read up to here, then discarded. */
export const RESPONSE_BODY_BYTES = 64 * KIB
/** What became of an event that `_bulk` did not take, from its answer to its being resent or dead-lettered. */
export const ITEM_VERDICT_BYTES = 64
/** The store's words on the items of one answer, all together. */
export const ITEM_REASONS_CHARS = 64 * KIB
/** TLS gathers the views of a batch into one buffer, and encrypts that into another. */
export const TLS_COPIES = 2

/** A batch is at most 16 MiB, and so is what it is compressed to, but for a header: a gzip member or zstd frame. */
export const ARCHIVE_UNIT_BYTES_MAX = 17 * MIB
/** After a crash a start inflates a compressed archive's last batches: read, inflated in pieces, and joined. */
export const ARCHIVE_RECOVERY_UNITS = 3

/**
 * Of a journal on disk, outside of the arena: two slots of its state, a checkpoint, a piece of a segment being copied, and
 * what a start reads a damaged segment through, which holds the longest frame that a segment may have.
 */
export const JOURNAL_BUFFER_BYTES = 20 * MIB

/**
 * Heap limits of a worker thread (`resourceLimits`). After a flood 15 MiB of it live; the rest is room for schemas with many
 * patterns and for records of the slow path. The young space is that of a collector within another program: `spillway run` sets
 * V8's `--max-semi-space-size`, which goes before it. With 3, 16 or 48 MiB a worker collects as often (`npm run bench:heap`).
 */
export const WORKER_OLD_SPACE_BYTES = 96 * MIB
export const WORKER_YOUNG_SPACE_BYTES = 16 * MIB
/** Outside its heap a worker compresses one slab: input copy, output, and the codec's own state. */
export const WORKER_EXTERNAL_SLABS = 4

/**
 * Of a replay of dead letters: a block of the queue's lines, and twice (as they were read, and as they are sent) a slice of
 * records, which ends behind a record that may be as long as half a slab.
 */
export const REPLAY_SLICE_BYTES_MAX = 1 * MIB
export const REPLAY_BYTES = 4 * MIB

/**
 * Heap of the main thread. It holds no event, so this doesn't grow with load; connections, run lists and up to 1 MiB of
 * log that nobody reads are in it.
 */
export const MAIN_HEAP_BYTES = 128 * MIB

/** Extents per source in the ring, and what one entry and its run list take. */
export const RING_ENTRIES = 128
export const RING_ENTRY_BYTES = ENTRY_BYTES
