import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** A directory of an own in `parent`, its name begins with `prefix`. Gone when the process exits, unless a signal ends it. */
export function temporaryDirectory(
  parent: string,
  prefix: string,
): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(parent, prefix))
  const remove = () => rmSync(path, { recursive: true, force: true })
  process.once('exit', remove)
  return { path, remove }
}
