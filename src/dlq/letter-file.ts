/**
 * One file of dead letters: `<source>.<sequence>.ndjson`. The sequence is the queue's own and only goes up, so that a
 * listing shows the order in which files were begun, over all sources. A source's name has no dot. Beside it stands
 * `<source>.<sequence>.marks` once letters of it have left the queue (src/dlq/marks.ts).
 */
export interface LetterFile {
  readonly name: string
  readonly sequence: number
  /** Committed: on disk, and counted. */
  bytes: number
  letters: number
  /** Of these, the ones that were replayed or purged. */
  marked: number
  /** Committed length of its marks file; 0: there is none. */
  marksBytes: number
  /** What may stand behind that on disk after a failed write, until it could be cut off. */
  uncutBytes: number
  /** Nothing is appended any more: it is full, or a write to it failed. */
  sealed: boolean
}

const FILE_NAME = /^([a-z][a-z0-9_-]{0,62})\.(\d{8,15})\.(ndjson|marks)$/

export function newLetterFile(source: string, sequence: number): LetterFile {
  const name = `${source}.${String(sequence).padStart(8, '0')}.ndjson`
  return { name, sequence, bytes: 0, letters: 0, marked: 0, marksBytes: 0, uncutBytes: 0, sealed: false }
}

/** What the name of a file of letters says; undefined for other files. */
export function parseFileName(name: string): { source: string; sequence: number } | undefined {
  return parseName(name, 'ndjson')
}

/** The same of a marks file. */
export function parseMarksName(name: string): { source: string; sequence: number } | undefined {
  return parseName(name, 'marks')
}

/** Of a file of letters, where its marks are. */
export function marksName(name: string): string {
  return name.replace(/ndjson$/, 'marks')
}

function parseName(name: string, suffix: string): { source: string; sequence: number } | undefined {
  const match = FILE_NAME.exec(name)
  return match?.[3] === suffix ? { source: match[1]!, sequence: Number(match[2]) } : undefined
}
