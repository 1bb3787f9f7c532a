/** One dead letter by its place: the name of its file in the queue's directory, and its line, counted from 1. */
export interface LetterId {
  readonly file: string
  readonly line: number
}

/** Letters of one file that stand one behind the other; without `count` one. */
export interface LetterRun extends LetterId {
  readonly count?: number
}

/** More letters than one file ever has: a line number beyond is none. */
export const LETTER_LINE_MAX = 2 ** 26

const SUFFIX = '.ndjson'
const TEXT = /^([a-z][a-z0-9_-]{0,62}\.\d{8,15})(?:\.ndjson)?:([1-9]\d{0,8})$/

/** `push.00000001:17` */
export function formatLetterId({ file, line }: LetterId): string {
  return `${file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : file}:${line}`
}

/** Undefined where the text is no id. */
export function parseLetterId(text: string): LetterId | undefined {
  const match = TEXT.exec(text)
  const line = Number(match?.[2])
  return match === null || line > LETTER_LINE_MAX ? undefined : { file: `${match[1]!}${SUFFIX}`, line }
}

const OPEN_BRACE = 0x7b

/** The line of a letter with its id as the first member. */
export function withLetterId(id: LetterId, line: Buffer): Buffer {
  const head = `{"id":${JSON.stringify(formatLetterId(id))},`
  return Buffer.concat([Buffer.from(head), line.subarray(line.indexOf(OPEN_BRACE) + 1)])
}
