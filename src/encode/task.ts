/** A range of a frame's records, as plain numbers: it crosses the thread border. */
export interface EncodePart {
  readonly region: number
  readonly runs: number
  readonly bytesFrom: number
  /** First record and how many follow, of which those are taken that are meant by route bit and lanes (`isMeant`). */
  readonly first: number
  readonly count: number
  /** Where set, only these of them: indexes in the table, ascending. */
  readonly pick: Uint16Array | null
  /** Bit of the record's route mask that must be set; 0: any record. */
  readonly routeBit: number
  /** LANES_* */
  readonly lanes: number
  /** Of the source, which may have left the configuration. */
  readonly sourceName: string
  /** For `dead_letter`: what was said of these records, where it differs from `EncodeTask.failure`. */
  readonly remark?: Remark
}

/** What a destination said of some events. */
export interface Remark {
  readonly reason: string
  readonly status?: number
}

/** Deliveries that failed alike, one after another. */
export interface Attempt {
  /** When the last of them failed, epoch milliseconds. */
  readonly at: number
  readonly status?: number
  readonly category: string
  readonly reason: string
  /** How many they were. */
  readonly count: number
}

/** What a dead letter says beside the record when it was given up at delivery. */
export interface DeliveryFailure {
  readonly sink: string
  readonly category: 'refused' | 'expired' | 'undelivered'
  readonly reason: string
  readonly attempts: number
  readonly status?: number
  /** What became of it, the oldest first, at most 8. */
  readonly history: readonly Attempt[]
}

/** Gathers chosen records into an output slab. */
export interface EncodeTask {
  readonly parts: readonly EncodePart[]
  /**
   * `bulk`: NDJSON of the Elasticsearch bulk API, before each event a line `{"create":{"_id":"<event id>"}}`; `frame`: the
   * records of one part, as a frame of kind DEFERRED (src/encode/deferred-frame.ts).
   */
  readonly format: 'ndjson' | 'json' | 'bulk' | 'dead_letter' | 'frame'
  readonly compression: 'none' | 'gzip' | 'zstd'
  /** Absolute offsets of the output. */
  readonly outFrom: number
  readonly outTo: number
  /** For `ndjson`, `json` and `bulk`: each event is given its id under this name, as its first member. */
  readonly eventIdField?: string
  /** For `dead_letter`. */
  readonly failure?: DeliveryFailure
  /** For `frame`: of the sink that the records wait for, HEADER.SINK. */
  readonly sink?: number
}

export interface EncodeResult {
  readonly bytes: number
  readonly events: number
  /**
   * Where to go on when the output was full before the end (`dead_letter` and `frame`): index of the part, and of the
   * record in that part's table, as in `EncodePart.first`; -1: all done.
   */
  readonly nextPart: number
  readonly nextRecord: number
}
