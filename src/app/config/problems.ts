/** What is wrong with a configuration: collected, so that the user sees everything at once, then thrown as one error. */
import { spwError } from '../../base/errors.ts'
import type { SpillwayError } from '../../base/errors.ts'

/** Where something stands in a file; both count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

export type Path = readonly (string | number)[]

export type ProblemKind = 'syntax' | 'unknown_key' | 'missing' | 'invalid' | 'not_in_this_version'

export interface Problem extends Position {
  readonly kind: ProblemKind
  readonly file: string
  /** In the user's key names, `sinks.siem.batch.max_bytes`; empty for the document itself. */
  readonly path: string
  readonly expected: string
  readonly found: string
  /** The known word that is nearest to the unknown one. */
  readonly nearest?: string
}

/** Further ones are counted, not listed. */
const PROBLEMS_LISTED_MAX = 100

export class ProblemList {
  readonly file: string
  readonly problems: Problem[] = []
  readonly #placed: boolean

  /** `placed`: messages say at which line and column of the file something stands. */
  constructor(file: string, options: { readonly placed: boolean } = { placed: true }) {
    this.file = file
    this.#placed = options.placed
  }

  add(
    kind: ProblemKind,
    position: Position,
    path: Path,
    expected: string,
    found: string,
    nearest?: string,
  ): void {
    const { line, column } = position
    const { file } = this
    const hint = nearest === undefined ? {} : { nearest }
    this.problems.push({ kind, file, line, column, path: formatPath(path), expected, found, ...hint })
  }

  /** The one error for all of them, in the order of the file. */
  toError(): SpillwayError {
    const sorted = this.problems.toSorted(
      (left, right) => left.line - right.line || left.column - right.column,
    )
    const listed = sorted.slice(0, PROBLEMS_LISTED_MAX).map((problem) => formatProblem(problem, this.#placed))
    if (sorted.length > listed.length) listed.push(`... and ${sorted.length - listed.length} more`)
    return spwError('SPW_ERR_CONFIG_INVALID', {
      file: this.file,
      count: sorted.length === 1 ? '1 error' : `${sorted.length} errors`,
      report: listed.join('\n'),
      problems: sorted,
    })
  }
}

/** `spillway.yaml:12:7: sinks.siem.batch.max_bytes: expected a size ..., found "big"` */
function formatProblem(problem: Problem, placed: boolean): string {
  const { kind, file, line, column, path, expected, found, nearest } = problem
  const position = placed ? `:${line}:${column}` : ''
  const place = `${file}${position}: ${path === '' ? '' : `${path}: `}`
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  if (kind === 'not_in_this_version') {
    return `${place}${found} is not in this version${expected === '' ? '' : `; expected ${expected}`}`
  }
  return `${place}expected ${expected}, found ${found}${hint}`
}

function formatPath(path: Path): string {
  return path.map((step) => (/^[\w-]+$/.test(String(step)) ? step : JSON.stringify(step))).join('.')
}
