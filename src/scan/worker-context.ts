import type { ArenaParts } from '../memory/arena.ts'
import type { SchemaSpec } from '../schema/spec.ts'
import type { WhereSpec } from './where.ts'

/** What every worker is started with (Piscina's workerData): shared memory and plain data. */
export interface WorkerContext {
  readonly arena: ArenaParts
  /** By source index. */
  readonly sources: readonly WorkerSource[]
  /** By filter index, at most 16: the `where` of the sinks that have one. */
  readonly filters: readonly WhereSpec[]
  /** What workers are told while they run (src/memory/control.ts). */
  readonly control: SharedArrayBuffer
  /** Where workers count their pauses (src/memory/gc-pauses.ts); without it nobody asks. */
  readonly gcPauses?: SharedArrayBuffer
  /** Frames are for a disk: their bodies get a checksum. */
  readonly checksums: boolean
}

/** By what the records of a source are judged. */
export interface RecordRules {
  readonly schema: SchemaSpec
  readonly maxRecordBytes: number
  readonly maxDepth: number
}

export interface WorkerSource extends RecordRules {
  readonly name: string
  readonly ring: SharedArrayBuffer
  /** Of a source whose records were other sources' first: what entries of its ring may choose (ENTRY.RULES). */
  readonly otherRules?: readonly RecordRules[]
  /** What the source's messages are decoded with; without it they are JSON. */
  readonly decoder?: DecoderSpec
  /** Keys that lead to the array of records in a document; without it: of an envelope, `{"logs":[...]}`. */
  readonly recordsPath?: readonly string[]
}

export interface DecoderSpec {
  readonly type: 'syslog'
  /** `local`, an offset such as `+02:00`, or an IANA name. */
  readonly timezone: string
}

/** One of the first five refusals of a request, as its client is told. `index` counts from the run's first record. */
export interface RecordError {
  readonly run: number
  readonly index: number
  readonly category: string
  readonly path: string
  readonly expected: string
}

/** What requests are told of the first refusals in an extent, where there are any. */
export type ExtentErrors = RecordError[] | undefined
