/** Configuration of `type: stdin`: NDJSON from standard input. */
import { choiceKey, group } from '../../base/config-keys.ts'
import { sourceKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkRecordBytes } from '../../pipeline/config-checks.ts'

/** Whoever writes to standard input may pause for as long as it likes, in the middle of a line too. */
const { idle_timeout: _idleTimeout, ...commonKeys } = sourceKeys

export const stdinSourceKeys = group('NDJSON from standard input', {
  type: choiceKey(['stdin'], {
    description: 'NDJSON from standard input; at its end the run ends, unless there are other sources',
  }),
  ...commonKeys,
})

export type StdinSourceConfig = Named<typeof stdinSourceKeys>

export function checkStdinSource(config: StdinSourceConfig, context: CheckContext, report: Report): void {
  checkRecordBytes(config, context, report)
}
