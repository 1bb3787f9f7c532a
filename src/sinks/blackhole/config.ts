/** Configuration of `type: blackhole`: takes everything and keeps nothing, for tests and measurements. */
import { choiceKey, group } from '../../base/config-keys.ts'
import { requestKeys, sinkKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkSink } from '../../pipeline/config-checks.ts'

export const blackholeSinkKeys = group('Takes everything and keeps nothing', {
  type: choiceKey(['blackhole'], { description: 'Takes everything and keeps nothing' }),
  ...sinkKeys,
  request: group('How batches are taken', requestKeys({ concurrency: 4, concurrencyMax: 256 })),
})

export type BlackholeSinkConfig = Named<typeof blackholeSinkKeys>

export function checkBlackholeSink(config: BlackholeSinkConfig, context: CheckContext, report: Report): void {
  checkSink(config, context, report)
}
