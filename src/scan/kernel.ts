import type { Arena } from '../memory/arena.ts'
import { SyslogDecoder } from '../decode/syslog/decoder.ts'
import type { MessageDecoder } from './message-decoder.ts'
import { compileScanner } from './scanner.ts'
import type { RecordScanner } from './scanner.ts'
import { compileSlowPath } from './slow-path.ts'
import type { SlowPath } from './slow-path.ts'
import type { WorkerSource } from './worker-context.ts'

/** What a worker knows of a source: its limits and its schema, compiled. */
export interface SourceKernel {
  readonly index: number
  readonly name: string
  readonly schemaName: string
  readonly schemaVersion: string
  readonly declaresLogs: boolean
  readonly recordsPath: readonly string[] | null
  readonly maxRecordBytes: number
  readonly maxDepth: number
  readonly sizeRule: string
  /** Null: records are JSON, and stay where they are. */
  readonly decoder: MessageDecoder | null
  readonly scanner: RecordScanner
  readonly slowPath: SlowPath
}

export function compileKernel(source: WorkerSource, index: number, arena: Arena): SourceKernel {
  const { name, schema, maxRecordBytes, maxDepth, decoder, recordsPath } = source
  return {
    index,
    name,
    schemaName: schema.name,
    schemaVersion: schema.version,
    declaresLogs: schema.declaresLogs,
    recordsPath: recordsPath ?? null,
    maxRecordBytes,
    maxDepth,
    sizeRule: `at most ${maxRecordBytes} bytes`,
    decoder: decoder === undefined ? null : new SyslogDecoder(arena.memory, decoder),
    scanner: compileScanner(schema, { maxDepth }, arena.memory),
    slowPath: compileSlowPath(schema, { maxDepth }),
  }
}
