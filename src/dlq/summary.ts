import { failureOf, valueAt } from './failure.ts'
import type { Failure } from './failure.ts'
import { parseLetter, recordOf } from './letter.ts'
import type { Letter } from './letter.ts'
import type { LetterId } from './letter-id.ts'
import type { FoundLetter } from './letter-reader.ts'

/** Groups of one kind; letters of further ones are counted together. */
const GROUPS_MAX = 10_000
const SOURCES_NAMED_MAX = 8
/** Values shown of a group, and records looked into for them. */
const VALUES_MAX = 3
const VALUE_TRIES_MAX = 16
const KEYS_MAX = 24
const SAMPLE_CHARS_MAX = 100
/** Larger records are not looked into. */
const SAMPLE_RECORD_CHARS_MAX = 65_536

export const GROUPINGS = ['category', 'source', 'sink', 'hour'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** What is counted of some letters. */
export class LetterCounts {
  letters = 0
  bytes = 0
  /** Earliest and latest `received_at`; '' without letters. */
  first = ''
  last = ''

  count({ letter: { received_at: receivedAt }, bytes }: FoundLetter): void {
    this.letters++
    this.bytes += bytes
    this.#span(receivedAt, receivedAt)
  }

  add({ letters, bytes, first, last }: LetterCounts): void {
    this.letters += letters
    this.bytes += bytes
    if (letters > 0) this.#span(first, last)
  }

  /** All are written in the same form, in which later is greater. */
  #span(first: string, last: string): void {
    if (this.first === '' || first < this.first) this.first = first
    if (last > this.last) this.last = last
  }
}

/** Letters that failed for the same cause. */
export class FailureCounts extends LetterCounts {
  readonly failure: Failure
  readonly sources = new Set<string>()
  /** One of them. */
  readonly example: LetterId
  /** Beginning of its record, as text. */
  readonly sample: string
  /** What was found at the path, as JSON: some that differ. */
  readonly values = new Set<string>()
  /** Where nothing was at the path: what else the object has there, of one of the records. */
  keys: readonly string[] = []
  #tries = 0

  constructor(failure: Failure, { id, line }: FoundLetter) {
    super()
    this.failure = failure
    this.example = id
    this.sample = sampleOf(parseLetter(line.toString()))
  }

  look({ letter, line }: FoundLetter): void {
    if (this.sources.size < SOURCES_NAMED_MAX) this.sources.add(letter.source)
    if (this.failure.path === '' || this.values.size >= VALUES_MAX || this.#tries >= VALUE_TRIES_MAX) return
    this.#tries++
    const document = documentIn(parseLetter(line.toString()))
    const value = valueAt(document, letter.path ?? '')
    if (value !== undefined) this.values.add(cut(JSON.stringify(value)))
    else if (this.keys.length === 0) this.keys = keysBeside(document, letter.path ?? '')
  }
}

/** Groups by name, a bounded number of them. */
export class Groups<Group extends LetterCounts> {
  /** Of groups that there was no room for. */
  readonly others = new LetterCounts()
  readonly #groups = new Map<string, Group>()
  readonly #create: (found: FoundLetter) => Group

  constructor(create: (found: FoundLetter) => Group) {
    this.#create = create
  }

  /** Null where there is no room for a new group. */
  count(name: string, found: FoundLetter): Group | null {
    let group = this.#groups.get(name)
    if (group === undefined && this.#groups.size < GROUPS_MAX) {
      group = this.#create(found)
      this.#groups.set(name, group)
    }
    const counts = group ?? this.others
    counts.count(found)
    return group ?? null
  }

  /** Most letters first. */
  sorted(): [name: string, group: Group][] {
    return [...this.#groups].toSorted(([, a], [, b]) => b.letters - a.letters)
  }
}

/** What is in the queue, in bounded memory: counts by category, source, sink and hour, and what fails most. */
export class LetterSummary {
  readonly all = new LetterCounts()
  readonly by: Readonly<Record<Grouping, Groups<LetterCounts>>> = {
    category: new Groups(() => new LetterCounts()),
    source: new Groups(() => new LetterCounts()),
    sink: new Groups(() => new LetterCounts()),
    hour: new Groups(() => new LetterCounts()),
  }
  readonly failures = new Groups((found) => new FailureCounts(failureOf(found.letter), found))

  add(found: FoundLetter): void {
    const { letter } = found
    this.all.count(found)
    this.by.category.count(letter.category, found)
    this.by.source.count(letter.source, found)
    if (letter.sink !== undefined) this.by.sink.count(letter.sink, found)
    this.by.hour.count(`${letter.received_at.slice(0, 13)}:00Z`, found)
    const { category, path, expected, sink, status, reason } = failureOf(letter)
    const name = `${category}\0${path}\0${expected}\0${sink}\0${status}\0${reason}`
    this.failures.count(name, found)?.look(found)
  }
}

function documentIn(letter: Letter | null): unknown {
  const { record = '' } = letter ?? {}
  if (record.length > SAMPLE_RECORD_CHARS_MAX) return undefined
  try {
    return JSON.parse(record)
  } catch {
    return undefined
  }
}

/** Keys of the object in which a pointer ends. */
function keysBeside(document: unknown, pointer: string): string[] {
  const parent = valueAt(document, pointer.slice(0, pointer.lastIndexOf('/')))
  if (typeof parent !== 'object' || parent === null || Array.isArray(parent)) return []
  return Object.keys(parent).slice(0, KEYS_MAX).map(cut)
}

function sampleOf(letter: Letter | null): string {
  if (letter === null) return ''
  return cut(letter.record ?? recordOf(letter)?.toString('latin1', 0, SAMPLE_CHARS_MAX + 1) ?? '')
}

function cut(text: string): string {
  return text.length > SAMPLE_CHARS_MAX ? `${text.slice(0, SAMPLE_CHARS_MAX)}...` : text
}
