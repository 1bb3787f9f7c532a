import { readFileSync } from 'node:fs'

/** From package.json, which stands two levels up from the sources and three from the compiled files. */
export const version: string = readVersion(['../../package.json', '../../../package.json'])

function readVersion(candidates: readonly string[]): string {
  for (const candidate of candidates) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8'))
      if (manifest.name === 'spillway') return String(manifest.version)
    } catch {
      // The next place, then.
    }
  }
  return '0.0.0'
}
