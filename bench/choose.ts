/** Which cases a start of the benchmark runs. */
import { readFileSync } from 'node:fs'
import type { BenchCase } from './bench-case.ts'
import { cases } from './cases.ts'
import { tablePlans, targetCases } from './table-plans.ts'

/** What stands for every case, and for those with a target that has something better to be wanted. */
const ALL = 'all'
const TARGETS = 'targets'

/** Beside its connections a process has its journal, its pipes and its threads open. */
const OTHER_FILES = 200

/**
 * The cases of these names and tables, in the order of the list, with those that they are compared with unless `alone`;
 * nothing: the targets. Throws for a name that is neither.
 */
export function chooseCases(names: readonly string[], alone = false): BenchCase[] {
  const wanted = new Set((names.length === 0 ? [TARGETS] : names).flatMap(casesOf))
  const chosen = alone ? wanted : new Set([...wanted].flatMap(withThoseBeside))
  return cases.filter((benchCase) => chosen.has(benchCase))
}

function casesOf(name: string): readonly BenchCase[] {
  if (name === ALL) return cases
  if (name === TARGETS) return targetCases
  const rows = tablePlans.find((plan) => plan.name === name)?.rows
  const found = cases.filter((benchCase) =>
    rows === undefined ? benchCase.name === name : benchCase.name in rows,
  )
  if (found.length > 0) return found
  const tables = [ALL, TARGETS, ...tablePlans.map((plan) => plan.name)].join(', ')
  throw new Error(
    `no such case or table: ${name}; there are the tables ${tables}, and the cases ${cases.map((each) => each.name).join(', ')}`,
  )
}

/** It, and those that it and these are compared with. */
function withThoseBeside(benchCase: BenchCase): BenchCase[] {
  const beside = cases.find(({ name }) => name === benchCase.beside)
  return beside === undefined ? [benchCase] : [benchCase, ...withThoseBeside(beside)]
}

/** Why this machine can't run a case; null: it can. */
export function whyNot(benchCase: BenchCase, openFilesMax = openFiles()): string | null {
  if (!('load' in benchCase) || !('connections' in benchCase.load)) return null
  const files = benchCase.load.connections + OTHER_FILES
  if (openFilesMax >= files) return null
  return `it needs ${files} open files a process, and no more than ${openFilesMax} are allowed: \`ulimit -n ${files}\``
}

/** Node itself asks for as many as it may have. */
function openFiles(): number {
  const soft = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return soft === 'unlimited' ? Infinity : Number(soft)
}
