/**
 * Files and sockets that the process may have open. Once there are no more, libuv closes each new connection and tells
 * nobody (its `uv__emfile_trick`), so a limit that is too low must be told before.
 */
import { readFileSync } from 'node:fs'
import { concurrencyMax } from '../pipeline/config.ts'
import type { SourceConfig } from '../sources/registry.ts'
import type { ResolvedConfig } from './config/root.ts'

/** Beside all connections: dead letters, archives, threads, pipes, the admin server. */
const OTHER_FILES_MAX = 128

/** What the configuration may want open at once. */
export function openFilesWanted({ sources, sinks }: Pick<ResolvedConfig, 'sources' | 'sinks'>): number {
  const ofSources = sources.reduce((sum, source) => sum + connectionsMax(source), 0)
  const ofSinks = sinks.reduce((sum, { request }) => sum + concurrencyMax(request), 0)
  return ofSources + ofSinks + OTHER_FILES_MAX
}

/** Connections that a source may have open at once; datagrams need none. */
export function connectionsMax(source: SourceConfig): number {
  if (source.type === 'syslog' && source.transport === 'udp') return 0
  if (source.type === 'http_poll') return source.concurrency
  return 'maxConnections' in source ? source.maxConnections : 0
}

/** The limit of this process, which Node has raised as far as it may; Infinity where there is no /proc. */
export function openFilesMax(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}
