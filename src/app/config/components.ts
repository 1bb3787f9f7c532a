/** All types of sources and sinks: adding one is one line here. */
import type { AnyGroup } from '../../base/config-keys.ts'
import type { CheckContext, Report } from '../../pipeline/config.ts'
import type { SinkConfig } from '../../sinks/registry.ts'
import type { SourceConfig } from '../../sources/registry.ts'
import { blackholeSinkKeys, checkBlackholeSink } from '../../sinks/blackhole/config.ts'
import { checkElasticsearchSink, elasticsearchSinkKeys } from '../../sinks/elasticsearch/config.ts'
import { checkFileSink, fileSinkKeys } from '../../sinks/file/config.ts'
import { checkHttpSink, httpSinkKeys } from '../../sinks/http/config.ts'
import { checkStdoutSink, stdoutSinkKeys } from '../../sinks/stdout/config.ts'
import { checkEmbeddedSource, embeddedSourceKeys } from '../../sources/embedded/config.ts'
import { checkHttpSource, httpSourceKeys } from '../../sources/http/config.ts'
import { checkHttpPollSource, httpPollSourceKeys } from '../../sources/http_poll/config.ts'
import { checkStdinSource, stdinSourceKeys } from '../../sources/stdin/config.ts'
import { checkSyslogSource, syslogSourceKeys } from '../../sources/syslog/config.ts'
import { checkTcpSource, tcpSourceKeys } from '../../sources/tcp/config.ts'

export interface ComponentType<Config> {
  readonly keys: AnyGroup
  check(config: Config, context: CheckContext, report: Report): void
}

/** The loader picks the entry by `type`, so each check is given the configuration that it names. */
type Types<Config extends { readonly type: string }> = {
  readonly [Type in Config['type']]: ComponentType<Extract<Config, { readonly type: Type }>>
}

export const sourceTypes = {
  http: { keys: httpSourceKeys, check: checkHttpSource },
  tcp: { keys: tcpSourceKeys, check: checkTcpSource },
  syslog: { keys: syslogSourceKeys, check: checkSyslogSource },
  http_poll: { keys: httpPollSourceKeys, check: checkHttpPollSource },
  stdin: { keys: stdinSourceKeys, check: checkStdinSource },
  embedded: { keys: embeddedSourceKeys, check: checkEmbeddedSource },
} satisfies Types<SourceConfig>

export const sinkTypes = {
  http: { keys: httpSinkKeys, check: checkHttpSink },
  elasticsearch: { keys: elasticsearchSinkKeys, check: checkElasticsearchSink },
  file: { keys: fileSinkKeys, check: checkFileSink },
  stdout: { keys: stdoutSinkKeys, check: checkStdoutSink },
  blackhole: { keys: blackholeSinkKeys, check: checkBlackholeSink },
} satisfies Types<SinkConfig>

/** Types that the configuration language has and this version does not. */
export const laterSourceTypes: readonly string[] = []
export const laterSinkTypes: readonly string[] = ['kafka']
