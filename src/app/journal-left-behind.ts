import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSegmentName } from '../journal/segment-name.ts'

/** Whether an earlier run has left segments, of which a run in memory mode delivers nothing. */
export async function journalLeftBehind(dataDir: string): Promise<boolean> {
  const names = await readdir(join(dataDir, 'journal')).catch((): string[] => [])
  return names.some((name) => parseSegmentName(name) !== undefined)
}
