/** Pictures out of characters. Every function keeps to the width it is given, in columns. */

/** Which characters a terminal can show. */
export interface Glyphs {
  /** From least to most, for a sparkline. */
  readonly levels: string
  readonly full: string
  readonly part: string
  readonly empty: string
  readonly dot: string
  readonly cut: string
}

const UNICODE: Glyphs = { levels: '▁▂▃▄▅▆▇█', full: '█', part: '▌', empty: '░', dot: '·', cut: '…' }
const ASCII: Glyphs = { levels: '_.-=+*%#', full: '#', part: '=', empty: '.', dot: '-', cut: '~' }

/** ASCII on the bare Linux console, and where the locale names another character set than UTF-8. */
export function glyphsFor(env: NodeJS.ProcessEnv): Glyphs {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  )
  const utf8 = locale === undefined || /utf-?8/i.test(locale)
  return utf8 && env['TERM'] !== 'linux' ? UNICODE : ASCII
}

/** A bar of which `share` (0 to 1) is filled; what is not empty shows. */
export function bar(share: number, columns: number, glyphs: Glyphs): string {
  const halves = Math.round(Math.min(Math.max(share, 0), 1) * columns * 2)
  const shown = share > 0 ? Math.max(1, halves) : 0
  const filled = glyphs.full.repeat(Math.floor(shown / 2)) + (shown % 2 === 1 ? glyphs.part : '')
  return filled + glyphs.empty.repeat(Math.max(0, columns - filled.length))
}

/** The last values that fit, the newest at the right, in relation to `highest`. Only 0 is drawn as nothing. */
export function sparkline(
  values: readonly number[],
  columns: number,
  highest: number,
  glyphs: Glyphs,
): string {
  const shown = columns > 0 ? values.slice(-columns) : []
  const last = glyphs.levels.length - 1
  const level = (value: number) =>
    Math.min(last, Math.floor((value / Math.max(highest, 1)) * glyphs.levels.length))
  return shown.map((value) => (value <= 0 ? ' ' : glyphs.levels[level(value)]!)).join('')
}

/** Words in lines of at most so many columns; a word that is longer is cut. */
export function wrapWords(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word.slice(0, columns))
  }
  return lines
}

// oxlint-disable-next-line no-control-regex -- colour codes begin with one
const COLOUR = /\x1b\[[0-9;]*m/g

/** Columns that a text takes; all characters used here are one column wide. */
export function columnsOf(text: string): number {
  return text.replace(COLOUR, '').length
}

/** A line of at most so many columns, colours untouched. */
export function fit(line: string, columns: number, glyphs: Glyphs): string {
  if (columnsOf(line) <= columns) return line
  let left = columns - 1
  let fitted = ''
  let at = 0
  for (const match of [...line.matchAll(COLOUR), null]) {
    const text = line.slice(at, match?.index)
    fitted += text.slice(0, left)
    left -= Math.min(left, text.length)
    if (left === 0) return `${fitted}${glyphs.cut}${fitted.includes('\x1b') ? '\x1b[0m' : ''}`
    if (match === null) break
    fitted += match[0]
    at = match.index + match[0].length
  }
  return fitted
}
