/**
 * What holds for all records of an extent, beyond what its source says. Streams with different terms never share an extent;
 * those without any have null.
 */
export interface ExtentTerms {
  /** By what they are judged: as ENTRY.RULES of the ring. */
  readonly rules: number
  /** Indexes of the sinks that they are for; null: all that read their source. */
  readonly meantFor: readonly number[] | null
}
