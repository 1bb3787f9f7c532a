/**
 * One file of dead letters: `<source>.<sequence>.ndjson`. The sequence is the queue's own and only goes up, so that a
 * listing shows the order in which files were begun, over all sources. A source's name has no dot.
 */
export interface LetterFile {
  readonly name: string
  readonly sequence: number
  /** Committed: on disk, and counted. */
  bytes: number
  letters: number
  /** What may stand behind that on disk after a failed write, until it could be cut off. */
  uncutBytes: number
  /** Nothing is appended any more: it is full, or a write to it failed. */
  sealed: boolean
}

const FILE_NAME = /^([a-z][a-z0-9_-]{0,62})\.(\d{8,15})\.ndjson$/

export function newLetterFile(source: string, sequence: number): LetterFile {
  const name = `${source}.${String(sequence).padStart(8, '0')}.ndjson`
  return { name, sequence, bytes: 0, letters: 0, uncutBytes: 0, sealed: false }
}

/** What a file name says; undefined for files that are not the queue's. */
export function parseFileName(name: string): { source: string; sequence: number } | undefined {
  const match = FILE_NAME.exec(name)
  return match === null ? undefined : { source: match[1]!, sequence: Number(match[2]) }
}
