/** Checks between keys that several components share. */
import { formatBytes } from '../base/units.ts'
import type { CheckContext, CommonSinkConfig, CommonSourceConfig, Report, WhereConfig } from './config.ts'
import type { ListenAddress } from '../base/config-keys.ts'
import { SLAB_HEADROOM_BYTES } from './limits.ts'

/** Whether only this host can reach a listener. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** A listener that others can reach must say so: `remedy` names the keys that make it right. */
export function checkExposure(
  config: { readonly listen: ListenAddress; readonly insecure: boolean },
  remedy: string,
  report: Report,
): void {
  if (config.insecure || isLoopback(config.listen.host)) return
  report(['listen'], `a loopback address, or ${remedy}`)
}

export function checkRecordBytes(
  config: Pick<CommonSourceConfig, 'maxRecordBytes'>,
  context: CheckContext,
  report: Report,
): void {
  const maxBytes = context.slabBytes / 2
  if (config.maxRecordBytes <= maxBytes) return
  report(['max_record_bytes'], `at most half of memory.slab_bytes, ${formatBytes(maxBytes)}`)
}

/** What every sink must keep to: a batch that is gathered or encoded has to fit into one output slab. */
export function checkSink(
  config: Pick<CommonSinkConfig, 'batch' | 'retry' | 'breaker' | 'rateLimit' | 'order' | 'where' | 'from'>,
  context: CheckContext,
  report: Report,
): void {
  const maxBytes = context.slabBytes - SLAB_HEADROOM_BYTES
  if (config.batch.maxBytes > maxBytes) {
    report(
      ['batch', 'max_bytes'],
      `at most memory.slab_bytes - ${formatBytes(SLAB_HEADROOM_BYTES)}, ${formatBytes(maxBytes)}`,
    )
  }
  checkRateLimit(config, report)
  if (config.retry.initialMs > config.retry.maxMs) report(['retry', 'initial'], 'at most retry.max')
  if (config.breaker.cooldownMs > config.breaker.maxCooldownMs) {
    report(['breaker', 'cooldown'], 'at most breaker.max_cooldown')
  }
  if (config.from === 'oldest' && config.where !== undefined) {
    report(['from'], 'now beside a where, which is decided when an event comes in')
  }
  for (const [key, condition] of Object.entries(config.where ?? {})) checkCondition(key, condition, report)
}

function checkRateLimit(
  { rateLimit, order }: Pick<CommonSinkConfig, 'rateLimit' | 'order'>,
  report: Report,
): void {
  const { requestsPerSecond, burst, eventsPerSecond, bytesPerSecond, bytesPerDay, algorithm, per } = rateLimit
  if (requestsPerSecond === Infinity && burst !== Infinity) {
    report(['rate_limit', 'burst'], 'rate_limit.requests_per_second beside it', 'none')
  } else if (algorithm === 'leaky_bucket' && requestsPerSecond !== Infinity && burst !== 1) {
    report(['rate_limit', 'burst'], 'algorithm: token_bucket beside it: a leaky bucket lets none go at once')
  }
  const rates = [requestsPerSecond, eventsPerSecond, bytesPerSecond, bytesPerDay]
  if (rates.every((rate) => rate === Infinity)) {
    const expected =
      'requests_per_second, events_per_second, bytes_per_second or bytes_per_day beside it, for there is nothing to limit'
    if (per !== 'sink') report(['rate_limit', 'per'], expected, 'none')
    if (algorithm !== 'token_bucket') report(['rate_limit', 'algorithm'], expected, 'none')
  }
  if (order === 'per_source' && typeof per === 'object') {
    const expected =
      'none beside rate_limit.per with a field: a value that waits for its limit is overtaken by the others of its source'
    report(['order'], expected)
  }
}

/** Conditions that no event could meet, or every one, are slips. */
function checkCondition(key: string, condition: WhereConfig[string], report: Report): void {
  const operators = Object.entries(condition)
  if (operators.length === 0) report(['where', key], 'at least one operator', 'none')
  if (condition.exists === false && operators.length > 1) {
    report(['where', key], 'no other operator beside exists: false', 'more')
  }
  if (key !== 'severity') return
  for (const [operator, operand] of operators) {
    if (operator === 'exists') continue
    const isList = Array.isArray(operand)
    for (const [index, severity] of (isList ? operand : [operand]).entries()) {
      if (Number.isInteger(severity) && severity >= 0 && severity <= 10) continue
      const path = isList ? [operator, index] : [operator]
      report(['where', key, ...path], 'a severity, which is a whole number from 0 to 10')
    }
  }
}
