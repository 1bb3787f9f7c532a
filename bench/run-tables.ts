/** Tables of what `npm run bench` measured. */
import type { BenchCase } from './bench-case.ts'
import { cases } from './cases.ts'
import { cell, markdown, rounded, spread } from './markdown.ts'
import { summarise } from './results.ts'
import type { RunResult, Summary } from './results.ts'
import { targetCases } from './table-plans.ts'
import type { Column, TablePlan } from './table-plans.ts'

export type RunsByCase = ReadonlyMap<string, readonly RunResult[]>

/** A row of the table of targets that `npm run bench` does not measure. */
export interface OtherTarget {
  readonly case: string
  readonly figure: string
  readonly target: { readonly atLeast: number; readonly wanted: number }
  readonly measured: Summary | null
}

const figureTitles: Readonly<Record<string, string>> = {
  cpu_s_per_million: 'CPU-s per million events',
  cpu_percent: '% of a core',
  p99_ms: 'p99 from socket to receiver, ms',
}

/** null where none of its cases was measured. */
export function planTable({ rows, rowTitle, columns }: TablePlan, byCase: RunsByCase): string | null {
  const names = Object.keys(rows)
  if (!names.some((name) => byCase.has(name))) return null
  const first = figuresOf(names[0]!, byCase)
  const lines = names.map((name) => {
    const benchCase = cases.find((each) => each.name === name)!
    const figures = figuresOf(name, byCase)
    const cells = columns.map((column) => cellOf(column, figures, first, benchCase))
    return [rowName(benchCase, rows[name]!), String(byCase.get(name)?.length ?? '-'), ...cells]
  })
  const head = [rowTitle, 'runs', ...columns.map(({ title }) => title)]
  return `${markdown(head, lines)}\n\n${provenance(names, byCase)}`
}

/** One row for each target that has something better to be wanted. */
export function targetTable(byCase: RunsByCase, others: readonly OtherTarget[]): string | null {
  const names = targetCases.map(({ name }) => name)
  if (!names.some((name) => byCase.has(name))) return null
  const rows = targetCases.flatMap(({ name, targets }) =>
    Object.entries(targets).flatMap(([figure, target]) => {
      if (!('wanted' in target)) return []
      const measured = figuresOf(name, byCase)?.get(figure) ?? null
      const { atMost, wanted } = target
      const reached = (bound: number) => measured !== null && measured.median <= bound
      return [
        targetRow(name, figureTitles[figure] ?? figure, `at most ${atMost}`, {
          wanted,
          measured,
          reached: [reached(atMost), reached(wanted)],
        }),
      ]
    }),
  )
  const more = others.map(({ case: name, figure, target: { atLeast, wanted }, measured }) => {
    const reached = (bound: number) => measured !== null && measured.median >= bound
    return targetRow(name, figure, `at least ${atLeast}`, {
      wanted,
      measured,
      reached: [reached(atLeast), reached(wanted)],
    })
  })
  const head = ['case', 'figure', 'target', 'wanted', 'measured', '']
  return `${markdown(head, [...rows, ...more])}\n\n${provenance(names, byCase)}`
}

interface Outcome {
  readonly wanted: number | undefined
  readonly measured: Summary | null
  /** The target, and what is wanted. */
  readonly reached: readonly [boolean, boolean]
}

function targetRow(
  name: string,
  figure: string,
  target: string,
  { wanted, measured, reached }: Outcome,
): string[] {
  const verdict = reached[1] ? 'as wanted' : reached[0] ? 'met' : 'not met'
  return [name, figure, target, String(wanted), spread(measured, 2), measured === null ? '-' : verdict]
}

function figuresOf(name: string, byCase: RunsByCase): Map<string, Summary | null> | undefined {
  const runs = byCase.get(name)
  return runs && summarise(runs)
}

function cellOf(
  { figure, digits, ofFirst = false }: Column,
  figures: Map<string, Summary | null> | undefined,
  first: Map<string, Summary | null> | undefined,
  { targets }: BenchCase,
): string {
  const summary = figures?.get(figure)
  if (!ofFirst) return cell(summary, targets[figure], digits)
  const whole = first?.get(figure)
  return summary && whole ? rounded(summary.median / whole.median, digits) : '-'
}

function rowName({ name, beside }: BenchCase, title: string): string {
  if (title !== '') return title
  return beside === undefined ? name : `${name}, beside ${beside}`
}

function provenance(names: readonly string[], byCase: RunsByCase): string {
  const from = names.flatMap((name) => {
    const runs = byCase.get(name)
    if (runs === undefined) return []
    const { cpu, cores, node, commit, load } = runs[0]!.environment
    return [`${cpu}, ${cores} cores, Node ${node}, commit ${commit}, load by ${load}`]
  })
  return `Median [min-max]. ${[...new Set(from)].join('; ')}.`
}
