/** The results as a table of the README: for each case Spillway, then the others, with what each lost. */
import type { Figures } from '../bench-case.ts'
import { markdown, spread } from '../markdown.ts'
import type { Summary } from '../results.ts'
import { peerCases } from './peer-case.ts'
import { peers } from './peers.ts'
import { PEERS_FILE, readPeerResults, spillwayName } from './results.ts'
import type { PeerResult } from './results.ts'

const COLUMNS = [
  { title: 'CPU-s per million events', figure: 'cpu_s_per_million', digits: 2 },
  { title: 'times ours, durable', figure: 'times_durable', digits: 1 },
  { title: 'times ours, memory', figure: 'times_memory', digits: 1 },
  { title: 'events/s', figure: 'events_per_s', digits: 0 },
  { title: 'peak RSS, MiB', figure: 'peak_rss_mib', digits: 0 },
  { title: 'lost', figure: 'lost', digits: 0 },
  { title: 'doubled', figure: 'duplicates', digits: 0 },
  { title: 'malformed let through', figure: 'strange', digits: 0 },
] as const

const OWN = [spillwayName('disk'), spillwayName('memory')]

/** Of what `run.ts` has written; null where it has not run. */
export function peersTable(results: readonly PeerResult[] = readPeerResults(PEERS_FILE)): string | null {
  if (results.length === 0) return null
  const head = ['case', 'program', 'runs', ...COLUMNS.map(({ title }) => title)]
  const table = markdown(
    head,
    peerCases.flatMap((peerCase) => rowsOf(peerCase.name, results)),
  )
  return `${table}\n\n${footing(results)}`
}

/** Of each peer the runs of its last start, and those of Spillway that they were held against. */
function rowsOf(caseName: string, results: readonly PeerResult[]): string[][] {
  const ofCase = results.filter((result) => result.case === caseName)
  const starts = new Map(ofCase.filter(({ program }) => !OWN.includes(program)).map(startOf))
  const counted = new Set(starts.values())
  return [...OWN, ...peers.map(({ name }) => name)].flatMap((program) => {
    const isOwn = OWN.includes(program)
    const measured = ofCase
      .filter((result) => result.program === program && result.error === undefined)
      .filter(({ startedAt }) => (isOwn ? counted.has(startedAt) : starts.get(program) === startedAt))
      .map(({ figures }) => figures)
    if (measured.length === 0) return []
    const cells = COLUMNS.map(({ figure, digits }) => spread(summaryOf(measured, figure), digits))
    return [[caseName, program, String(measured.length), ...cells]]
  })
}

function startOf({ program, startedAt }: PeerResult): [string, string] {
  return [program, startedAt]
}

/** Of those runs that have it. */
function summaryOf(measured: readonly Figures[], figure: string): Summary | null {
  const values = measured.map((figures) => figures[figure] ?? null).filter((value) => value !== null)
  const sorted = values.toSorted((a, b) => a - b)
  if (sorted.length === 0) return null
  return { median: sorted[sorted.length >> 1]!, min: sorted[0]!, max: sorted[sorted.length - 1]! }
}

/** What each of them does, and which were not there. */
function footing(results: readonly PeerResult[]): string {
  const { cpu, cores, node, commit, load } = results.at(-1)!.environment
  const ran = peers.filter(({ name }) => results.some(({ program }) => program === name))
  const missing = peers.filter((peer) => !ran.includes(peer)).map(({ name }) => name)
  return [
    'Median [min-max]; "times ours": by the runs of Spillway right before and behind.',
    ...(missing.length === 0 ? [] : [`Not on this machine: ${missing.join(', ')}.`]),
    `${cpu}, ${cores} cores, Node ${node}, commit ${commit}, load by ${load}.\n`,
    ...ran.map(({ name, checks, durability, limits }) => {
      const { version } = results.findLast(({ program }) => program === name)!
      return `- ${name} (${version}) checks ${checks}; ${durability}. ${limits.join(' ')}`
    }),
  ].join('\n')
}
