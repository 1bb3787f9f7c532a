import { RE2JS } from 're2js'

/**
 * A user's `pattern`, run in linear time: attackers choose the strings that it meets. It is a RegExp by type only,
 * because TypeBox takes those as they are and calls `test`; RegExp's own engine never sees the pattern.
 *
 * Deviation from ECMA-262: `.` and `\s` are narrowed back to what ECMAScript means; look-around and backreferences
 * do not exist.
 */
export class LinearPattern extends RegExp {
  readonly #compiled: RE2JS
  readonly #text: string

  /** @throws Error when the pattern is no regular expression, or needs backtracking. */
  constructor(pattern: string) {
    super('')
    this.#compiled = RE2JS.compile(toRe2(pattern))
    this.#text = pattern
  }

  override test(text: string): boolean {
    return this.#compiled.test(text)
  }

  override toString(): string {
    return this.#text
  }
}

/** ECMA-262 WhiteSpace and LineTerminator: what `\s` means there, as the inside of an RE2 class. */
const SPACE =
  '\\t\\n\\x{b}\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}'
const NO_LINE_TERMINATOR = '[^\\n\\r\\x{2028}\\x{2029}]'

/** The ECMAScript pattern in RE2 syntax. `\S` inside a class keeps RE2's meaning: it has no inside form. */
function toRe2(pattern: string): string {
  let out = ''
  let inClass = false
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '\\' && i + 1 < pattern.length) {
      const escaped = pattern[++i]!
      if (escaped === 's') out += inClass ? SPACE : `[${SPACE}]`
      else if (escaped === 'S' && !inClass) out += `[^${SPACE}]`
      else out += char + escaped
    } else if (inClass) {
      inClass = char !== ']'
      out += char
    } else if (char === '[') {
      inClass = true
      out += char
    } else out += char === '.' ? NO_LINE_TERMINATOR : char
  }
  return RE2JS.translateRegExp(out)
}
