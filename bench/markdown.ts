/** How figures are written in the README. */
import type { Target } from './bench-case.ts'
import type { Summary } from './results.ts'

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function rounded(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Median, and the range where there is one; `-` for what was not measured. */
export function spread(summary: Summary | null | undefined, digits: number): string {
  if (summary === null || summary === undefined) return '-'
  const { median, min, max } = summary
  return rounded(median, digits) + (min === max ? '' : ` [${rounded(min, digits)}-${rounded(max, digits)}]`)
}

/** And the target, where one is set that is not plain 0. */
export function cell(
  summary: Summary | null | undefined,
  target: Target | undefined,
  digits: number,
): string {
  const figure = spread(summary, digits)
  if (summary === null || summary === undefined || target === undefined) return figure
  const { median } = summary
  if ('atLeast' in target) {
    return `${figure}, at least ${target.atLeast}: ${median >= target.atLeast ? 'met' : 'not met'}`
  }
  if (target.atMost === 0) return figure
  return `${figure}, at most ${target.atMost}: ${median <= target.atMost ? 'met' : 'not met'}`
}

/** The text with what stands between the markers of a name replaced; null where there are no such markers. */
export function replaceBetween(text: string, name: string, table: string): string | null {
  const open = `<!-- bench:${name} -->`
  const from = text.indexOf(open)
  const to = text.indexOf(`<!-- /bench:${name} -->`, from)
  if (from === -1 || to === -1) return null
  return `${text.slice(0, from + open.length)}\n\n${table}\n\n${text.slice(to)}`
}

/** Of the markers in a text. */
export function markedNames(text: string): string[] {
  return [...text.matchAll(/^<!-- bench:(\S+) -->$/gm)].map(([, name]) => name!)
}
