/** Tables of what the benches beside `npm run bench` have written as JSON. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { markdown, rounded, spread } from './markdown.ts'
import type { Summary } from './results.ts'
import type { OtherTarget } from './run-tables.ts'

interface Written<Result> {
  readonly environment: { readonly cpu: string; readonly node: string; readonly commit: string }
  readonly results: readonly Result[]
}

/** Of `bench/scan.ts --json`. */
interface ScanResult {
  readonly case: string
  readonly way: string
  readonly meanEventBytes: number
  readonly gigabytesPerSecond: Summary
  readonly eventsPerSecond: number
}

/** Of `bench/decode.ts --json`. */
interface DecodeResult {
  readonly case: string
  readonly meanMessageBytes: number
  readonly meanEventBytes: number
  readonly gigabytesPerSecond: Summary
  readonly microsecondsPerMessage: Summary
}

/** Of `bench/dispatch.ts --json`. */
interface DispatchResult {
  readonly case: string
  readonly cpuSecondsPerMillion: Summary
}

/** Of `bench/limiter.ts --json`. */
interface LimiterResult {
  readonly case: string
  readonly keys: number
  readonly nanosecondsPerDecision: Summary
  readonly mebibytes: number
}

/** null where that bench has not run. */
function read<Result>(bench: string): Written<Result> | null {
  const file = fileURLToPath(new URL(`./results/${bench}.json`, import.meta.url))
  if (!existsSync(file)) return null
  const written: Written<Result> = JSON.parse(readFileSync(file, 'utf8'))
  return written
}

function provenance({ environment: { cpu, node, commit } }: Written<unknown>): string {
  return `Median [min-max]. ${cpu}, Node ${node}, commit ${commit}.`
}

export function scanTable(): string | null {
  const scan = read<ScanResult>('scan')
  if (scan === null) return null
  const rows = scan.results.map(
    ({ case: name, way, meanEventBytes, gigabytesPerSecond, eventsPerSecond }) => [
      `${name} (${meanEventBytes} B)`,
      way,
      spread(gigabytesPerSecond, 2),
      rounded(eventsPerSecond, 0),
    ],
  )
  const head = ['events', 'way', 'GB/s of one thread', 'events/s']
  return `${markdown(head, rows)}\n\n${provenance(scan)}`
}

/** The target of the scanner: the events that everything else is measured with. */
export function scanTarget(): OtherTarget {
  const rows = read<ScanResult>('scan')?.results ?? []
  const row = rows.find(({ case: name, way }) => name === 'plain' && way === 'scanner, soc')
  return {
    case: 'npm run bench:scan',
    figure: 'GB/s of one thread, schema and record table',
    target: { atLeast: 0.8, wanted: 1.3 },
    measured: row?.gigabytesPerSecond ?? null,
  }
}

export function decodeTable(): string | null {
  const decode = read<DecodeResult>('decode')
  if (decode === null) return null
  const rows = decode.results.map((result) => [
    `${result.case} (${result.meanMessageBytes} B)`,
    String(result.meanEventBytes),
    spread(result.gigabytesPerSecond, 2),
    spread(result.microsecondsPerMessage, 2),
  ])
  const head = ['messages', 'bytes of the event', 'GB/s of one thread', 'µs a message']
  return `${markdown(head, rows)}\n\n${provenance(decode)}`
}

/** What the dispatcher and its limits cost, without a socket. */
export function deliveryTable(): string | null {
  const dispatch = read<DispatchResult>('dispatch')
  const limiter = read<LimiterResult>('limiter')
  const written = dispatch ?? limiter
  if (written === null) return null
  const rows = [
    ...(dispatch?.results ?? []).map(({ case: name, cpuSecondsPerMillion }) => [
      `dispatcher: ${name}`,
      `${spread(cpuSecondsPerMillion, 4)} CPU-s per million events`,
      '',
    ]),
    ...(limiter?.results ?? []).map(({ case: name, keys, nanosecondsPerDecision, mebibytes }) => [
      `${name}, ${rounded(keys, 0)} keys`,
      `${spread(nanosecondsPerDecision, 0)} ns per decision`,
      `${rounded(mebibytes, 1)} MiB`,
    ]),
  ]
  return `${markdown(['case', 'costs', 'memory'], rows)}\n\n${provenance(written)}`
}
