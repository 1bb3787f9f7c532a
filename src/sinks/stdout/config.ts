/** Configuration of `type: stdout`: NDJSON on standard output. */
import { choiceKey, group } from '../../base/config-keys.ts'
import { requestKeys, sinkKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkSink } from '../../pipeline/config-checks.ts'

export const stdoutSinkKeys = group('NDJSON on standard output', {
  type: choiceKey(['stdout'], { description: 'NDJSON on standard output' }),
  ...sinkKeys,
  request: group('How batches are written', requestKeys({ concurrency: 1, concurrencyMax: 1 })),
})

export type StdoutSinkConfig = Named<typeof stdoutSinkKeys>

export function checkStdoutSink(config: StdoutSinkConfig, context: CheckContext, report: Report): void {
  checkSink(config, context, report)
}
