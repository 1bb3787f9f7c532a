/** Configuration of `type: tcp`: NDJSON over plain connections. */
import { choiceKey, group } from '../../base/config-keys.ts'
import { listenerKeys, sourceKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkExposure, checkRecordBytes } from '../../pipeline/config-checks.ts'

export const tcpSourceKeys = group('NDJSON over TCP', {
  type: choiceKey(['tcp'], { description: 'NDJSON over TCP, one event a line' }),
  ...listenerKeys,
  ...sourceKeys,
})

export type TcpSourceConfig = Named<typeof tcpSourceKeys>

export function checkTcpSource(config: TcpSourceConfig, context: CheckContext, report: Report): void {
  checkRecordBytes(config, context, report)
  checkExposure(config, 'insecure: true', report)
}
