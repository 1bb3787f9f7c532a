import { SKIP_REASONS } from '../../sources/dlq/routing.ts'
import type { ReplayStatus } from '../../sources/dlq/index.ts'
import { formatCount } from '../terminal/figures.ts'
import { letters } from './ls-text.ts'

/** How far a replay is, for standard error. */
export function progressLine({ accepted, rejected, chosen, waitingFor }: ReplayStatus): string {
  const waits = waitingFor === null ? '' : `, waits: ${waitingFor}`
  const again = rejected === 0 ? '' : `, ${formatCount(rejected)} of them rejected again`
  return `${formatCount(accepted + rejected)} received${again}; ${letters(chosen)} read so far${waits}\n`
}

/** What became of a replay. */
export function replayReport(status: ReplayStatus): string {
  const { state, reason, replayed, accepted, rejected, sinks, skipped, damaged } = status
  const lines = [`${letters(replayed)} replayed: ${formatCount(accepted)} accepted`]
  if (rejected > 0)
    lines.push(`, ${formatCount(rejected)} rejected again (now new letters of the source dlq)`)
  lines.push('\n')
  for (const [sink, { offered, filtered }] of Object.entries(sinks)) {
    if (offered + filtered === 0) continue
    lines.push(`  ${sink}: ${formatCount(offered)} offered, ${formatCount(filtered)} filtered\n`)
  }
  lines.push(skipReport(skipped))
  if (damaged > 0) lines.push(`${formatCount(damaged)} lines are damaged, no letters\n`)
  if (state === 'stopped') lines.push('stopped before the end: run it again to go on\n')
  if (state === 'failed') lines.push(`failed: ${reason}; run it again to go on\n`)
  if (state === 'running' || state === 'stopping') lines.push('it goes on in the collector\n')
  return lines.join('')
}

/** What stays in the queue, and why. */
export function skipReport(skipped: ReplayStatus['skipped']): string {
  const why: Readonly<Record<string, string>> = SKIP_REASONS
  return Object.entries(skipped)
    .map(
      ([reason, count]) =>
        `${letters(count)} ${count === 1 ? 'stays' : 'stay'} in the queue: ${why[reason] ?? reason}\n`,
    )
    .join('')
}
