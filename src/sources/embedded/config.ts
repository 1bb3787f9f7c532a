/** Configuration of `type: embedded`: events of the program that Spillway runs in. */
import { choiceKey, group } from '../../base/config-keys.ts'
import { sourceKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkRecordBytes } from '../../pipeline/config-checks.ts'

/** Every event comes whole, so none can be left unfinished. */
const { idle_timeout: _idleTimeout, ...commonKeys } = sourceKeys

export const embeddedSourceKeys = group('Events of the program around the collector', {
  type: choiceKey(['embedded'], { description: 'A source without a door: only `enqueue` of the library' }),
  ...commonKeys,
})

export type EmbeddedSourceConfig = Named<typeof embeddedSourceKeys>

export function checkEmbeddedSource(
  config: EmbeddedSourceConfig,
  context: CheckContext,
  report: Report,
): void {
  checkRecordBytes(config, context, report)
}
