/**
 * Where dead letters go. Entries are NDJSON lines built by the workers; the queue only appends, commits and rotates.
 */
export interface DeadLetters {
  /**
   * Appends whole lines and resolves once they are on disk (fdatasync, several writers served by one commit). While the
   * disk fails it waits and tries again; the caller keeps the bytes unchanged until then. `source` is whose share the
   * lines use. Rejects only when the queue was stopped first.
   * The letters count as queued when it resolves, so their verdict is to be counted in the same turn, nothing awaited
   * in between: then the ledger balances whenever someone looks.
   */
  write(source: string, lines: Uint8Array, count: number): Promise<void>
  /** False while the disk fails. */
  readonly healthy: boolean
}
