/** The ceiling of memory as a sum of named items: what `check` and a start print, and what the process keeps to. */
import { formatBytes, MIB } from '../../base/units.ts'
import { concurrencyMax } from '../../pipeline/config.ts'
import {
  ARCHIVE_RECOVERY_UNITS,
  ARCHIVE_UNIT_BYTES_MAX,
  DATAGRAM_GARBAGE_BYTES_MAX,
  HTTP_BODY_IN_FLIGHT_BYTES,
  HTTP_HEAD_HELD_BYTES,
  HTTP_SCRATCH_BYTES,
  INFLATER_BYTES,
  INFLATERS_MAX,
  ITEM_REASONS_CHARS,
  ITEM_VERDICT_BYTES,
  JOURNAL_BUFFER_BYTES,
  MAIN_HEAP_BYTES,
  POLL_BODY_IN_FLIGHT_BYTES,
  REPLAY_BYTES,
  RESERVE_SLABS_PER_SINK,
  RESPONSE_BODY_BYTES,
  RING_ENTRIES,
  RING_ENTRY_BYTES,
  STDIN_READ_BYTES,
  TCP_PARKED_BYTES,
  TCP_SCRATCH_BYTES,
  TLS_COPIES,
  UNFINISHED_BLOCK_BYTES,
  WORKER_EXTERNAL_SLABS,
  WORKER_OLD_SPACE_BYTES,
  WORKER_YOUNG_SPACE_BYTES,
} from '../../pipeline/limits.ts'
import type { SinkConfig } from '../../sinks/registry.ts'
import type { SourceConfig } from '../../sources/registry.ts'
import { sinkShareBytes } from './reserves.ts'
import type { ResolvedConfig } from './root.ts'

/** `{"create":{"_id":"<epoch>-0-0"}}` and `{}`, each with its line feed. */
const BULK_EVENT_BYTES_MIN = 45

/** What the runtime itself takes at most, beside the sum. */
export const RUNTIME_BYTES = 150 * MIB

export interface MemoryItem {
  readonly what: string
  readonly bytes: number
}

export interface MemorySum {
  readonly items: readonly MemoryItem[]
  readonly totalBytes: number
}

export function memorySum(
  config: Pick<ResolvedConfig, 'memory' | 'journal' | 'workers' | 'sources' | 'sinks'>,
): MemorySum {
  const { slabBytes, arenaBytes } = config.memory
  const recordBytesMax = Math.max(...config.sources.map(({ maxRecordBytes }) => maxRecordBytes))
  const workerBytes = WORKER_OLD_SPACE_BYTES + WORKER_YOUNG_SPACE_BYTES + WORKER_EXTERNAL_SLABS * slabBytes
  const items = [
    { what: 'memory.arena_bytes', bytes: arenaBytes },
    ...config.sources.flatMap(itemsOfSource),
    ...(config.journal.mode === 'disk'
      ? [{ what: 'journal: state, checkpoints, recovery', bytes: JOURNAL_BUFFER_BYTES }]
      : []),
    ...(config.sources.some(({ type }) => type === 'http' || type === 'http_poll')
      ? [multiple('inflaters,', INFLATERS_MAX, INFLATER_BYTES)]
      : []),
    ...(config.sources.some(takesDatagrams)
      ? [{ what: 'datagrams, read and not yet freed', bytes: DATAGRAM_GARBAGE_BYTES_MAX }]
      : []),
    ...config.sinks.flatMap((sink) =>
      itemsOfSink(sink, recordBytesMax, { slabBytes, shareBytes: sinkShareBytes(config) }),
    ),
    multiple('workers,', config.workers.max, workerBytes),
    { what: 'replay of dead letters', bytes: RING_ENTRIES * RING_ENTRY_BYTES + REPLAY_BYTES },
    { what: 'main thread heap', bytes: MAIN_HEAP_BYTES },
  ]
  return { items, totalBytes: items.reduce((sum, { bytes }) => sum + bytes, 0) }
}

function takesDatagrams(source: SourceConfig): boolean {
  return source.type === 'syslog' && source.transport === 'udp'
}

function itemsOfSource(source: SourceConfig): MemoryItem[] {
  const at = `sources.${source.name}:`
  const ring = { what: `${at} ring of extents`, bytes: RING_ENTRIES * RING_ENTRY_BYTES }
  if (source.type === 'http') {
    const { maxRequests, maxConnections } = source
    return [
      { what: `${at} read buffer`, bytes: HTTP_SCRATCH_BYTES },
      multiple(`${at} request heads, max_connections`, maxConnections, HTTP_HEAD_HELD_BYTES),
      multiple(`${at} bodies, max_requests`, maxRequests, HTTP_BODY_IN_FLIGHT_BYTES),
      multiple(`${at} unfinished events, max_requests`, maxRequests, UNFINISHED_BLOCK_BYTES),
      ring,
    ]
  }
  if (source.type === 'embedded') return [ring]
  if (source.type === 'http_poll') {
    const { concurrency } = source
    return [
      multiple(`${at} answers, concurrency`, concurrency, POLL_BODY_IN_FLIGHT_BYTES),
      multiple(`${at} unfinished events, concurrency`, concurrency, UNFINISHED_BLOCK_BYTES),
      ring,
    ]
  }
  if (source.type === 'stdin') {
    return [
      { what: `${at} read buffer`, bytes: STDIN_READ_BYTES },
      { what: `${at} read, waiting for room`, bytes: STDIN_READ_BYTES },
      { what: `${at} unfinished event`, bytes: UNFINISHED_BLOCK_BYTES },
      ring,
    ]
  }
  if (takesDatagrams(source)) return [ring]
  const { maxConnections } = source
  // However many share it, each connection is offered at least a block.
  const parkedBytes = Math.max(TCP_PARKED_BYTES, maxConnections * UNFINISHED_BLOCK_BYTES)
  return [
    { what: `${at} read buffer`, bytes: TCP_SCRATCH_BYTES },
    { what: `${at} read, waiting for room`, bytes: parkedBytes },
    multiple(`${at} unfinished events, max_connections`, maxConnections, UNFINISHED_BLOCK_BYTES),
    ring,
  ]
}

/** Of the arena, for one sink: all batches that are in flight together are at most `shareBytes`. */
interface SinkShare {
  readonly slabBytes: number
  readonly shareBytes: number
}

/** `recordBytesMax`: a batch is at most `batch.max_bytes`, or one event. */
function itemsOfSink(sink: SinkConfig, recordBytesMax: number, share: SinkShare): MemoryItem[] {
  const at = `sinks.${sink.name}:`
  const batchBytes = Math.max(sink.batch.maxBytes, recordBytesMax)
  if (sink.type === 'http' || sink.type === 'elasticsearch') {
    const concurrency = concurrencyMax(sink.request)
    const answers = [multiple(`${at} answers, concurrency`, concurrency, RESPONSE_BODY_BYTES)]
    if (sink.type === 'elasticsearch') answers.push(itemVerdicts(at, sink.batch, concurrency, share))
    if (sink.url.startsWith('https:'))
      answers.push(batchesInTls(at, concurrency, batchBytes, share.shareBytes))
    return answers
  }
  if (sink.type === 'stdout') return [{ what: `${at} a copy of a batch`, bytes: batchBytes }]
  if (sink.type !== 'file' || sink.compression === 'none') return []
  return [multiple(`${at} recovery at start,`, ARCHIVE_RECOVERY_UNITS, ARCHIVE_UNIT_BYTES_MAX)]
}

function batchesInTls(at: string, concurrency: number, batchBytes: number, shareBytes: number): MemoryItem {
  if (concurrency * batchBytes <= shareBytes) {
    return multiple(`${at} batches in TLS, concurrency`, concurrency, TLS_COPIES * batchBytes)
  }
  return multiple(`${at} batches in TLS, its share of the arena,`, TLS_COPIES, shareBytes)
}

/**
 * What `_bulk` says of the events that it doesn't take, of all requests in flight: each has an output slab, so that they
 * are no more than there are of these in the sink's share, and in its reserve.
 */
function itemVerdicts(
  at: string,
  { maxEvents }: SinkConfig['batch'],
  concurrency: number,
  { shareBytes, slabBytes }: SinkShare,
): MemoryItem {
  const requests = Math.min(concurrency, shareBytes / slabBytes + RESERVE_SLABS_PER_SINK)
  const events = Math.min(maxEvents, Math.floor(slabBytes / BULK_EVENT_BYTES_MIN))
  const bytes = events * ITEM_VERDICT_BYTES + ITEM_REASONS_CHARS
  return multiple(`${at} verdicts on events, requests`, requests, bytes)
}

function multiple(what: string, count: number, bytes: number): MemoryItem {
  return { what: `${what} ${count} x ${formatBytes(bytes)}`, bytes: count * bytes }
}

/** The sum as a table of lines in MiB, without a line break at the end. */
export function formatMemorySum({ items, totalBytes }: MemorySum): string {
  const rows = [...items, { what: 'in all', bytes: totalBytes }]
  const figures = rows.map(({ bytes }) => (bytes / MIB).toFixed(1))
  const width = Math.max(...figures.map((figure) => figure.length))
  const lines = rows.map(({ what }, index) => `${figures[index]!.padStart(width)} MiB  ${what}`)
  lines.splice(-1, 0, '-'.repeat(width + ' MiB'.length))
  return lines.join('\n')
}
