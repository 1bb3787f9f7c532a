/**
 * Limits that are no user's business to set, but that memory is summed from. One place, so that the sum printed at
 * start and the code that keeps to it can't differ.
 */
import { KIB, MIB } from '../base/units.ts'

/** Slabs kept free of every share: per source, one being filled and one for a record that outgrew its block. */
export const RESERVE_SLABS_PER_SOURCE = 2
/** Per worker: one output slab and one table slab, so that a started task can always finish. */
export const RESERVE_SLABS_PER_WORKER = 2
/** Per sink: what it encodes or dead-letters goes into slabs of its own, so that it drains a full arena. */
export const RESERVE_SLABS_PER_SINK = 2
/** Slabs beyond the reserves without which nothing would flow. */
export const SHARED_SLABS_MIN = 4

/** Header of a frame and of an output slab; a batch must leave it free. */
export const SLAB_HEADROOM_BYTES = 4 * KIB

/** At most this many sinks have a `where`: each is a bit of the route mask in a record's table entry. */
export const FILTERED_SINKS_MAX = 16
export const SOURCES_MAX = 64
export const SINKS_MAX = 64

/** Cold TCP connections of a source are read, one after another, into one buffer of this size. */
export const TCP_SCRATCH_BYTES = 64 * KIB
/** Cold TCP connections of a source are offered so much to read into, all together: what they read may have to wait. */
export const TCP_PARKED_BYTES = 16 * MIB
/** A cold connection's unfinished record waits in a block of this size. */
export const UNFINISHED_BLOCK_BYTES = 4 * KIB

/** What node:http may hold of one request that is not yet in the arena: a read buffer and its successor. */
export const HTTP_BODY_IN_FLIGHT_BYTES = 128 * KIB
/** Compressed bodies being inflated at once, over all sources; further ones wait unread. */
export const INFLATERS_MAX = 64
/** One inflater with its window and output buffer (zstd's window is capped to fit). */
export const INFLATER_BYTES = 300 * KIB

/** An answer of a destination is read up to here, then discarded. */
export const RESPONSE_BODY_BYTES = 64 * KIB

/** Heap limits of a worker thread (`resourceLimits`). */
export const WORKER_OLD_SPACE_BYTES = 96 * MIB
export const WORKER_YOUNG_SPACE_BYTES = 16 * MIB
/** Outside its heap a worker compresses one slab: input copy, output, and the codec's own state. */
export const WORKER_EXTERNAL_SLABS = 4

/** Heap of the main thread. It holds no event, so this doesn't grow with load. */
export const MAIN_HEAP_BYTES = 128 * MIB

/** Extents per source in the ring, and what one entry and its run list take. */
export const RING_ENTRIES = 128
export const RING_ENTRY_BYTES = 512
