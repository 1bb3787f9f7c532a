/** Figures as people read them; all of them ASCII. */
import { GIB, KIB, MIB } from '../../base/units.ts'

/** `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** `1.2 MiB`, to a few digits. */
export function formatSize(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(2)} GiB`
  if (bytes >= MIB) return `${(bytes / MIB).toFixed(bytes >= 100 * MIB ? 0 : 1)} MiB`
  if (bytes >= KIB) return `${(bytes / KIB).toFixed(0)} KiB`
  return `${Math.round(bytes)} B`
}

/** `3 ms`, `0.25 s`, `12 s`; `-` where nothing was measured. */
export function formatLatency(latencyMs: number): string {
  if (!Number.isFinite(latencyMs)) return '-'
  if (latencyMs < 1) return `${latencyMs.toFixed(2)} ms`
  if (latencyMs < 100) return `${latencyMs.toFixed(0)} ms`
  return `${(latencyMs / 1000).toFixed(latencyMs < 10_000 ? 2 : 0)} s`
}

/** `00:07`, minutes and seconds. */
export function formatClock(elapsedMs: number): string {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1000))
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
