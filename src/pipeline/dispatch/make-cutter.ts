import type { EncodePart } from '../../encode/task.ts'
import type { LogReader, Taken } from '../../journal/log.ts'
import { Cutter } from './cutter.ts'
import type { BatchCutter } from './cutter.ts'
import type { DispatcherOptions } from './dispatcher-options.ts'
import { KeyedCutter, recordsOfAll } from './keyed-cutter.ts'
import type { Limiter } from './limits/limiter.ts'
import { encodePart, growthBytesMax, overheadBytes } from './payload-builder.ts'
import { RecordWalk, partOf, pickPart } from './record-walk.ts'
import type { Roster } from './roster.ts'

/**
 * What cuts the batches of a sink: where sources, or values of a field, have limits or an order of their own, a batch has
 * events of one only.
 *
 * @param onGrouped there may be something to cut.
 */
export function makeCutter(
  { name, config, arena, clock, grouper, events }: DispatcherOptions,
  reader: LogReader,
  limiter: Limiter,
  roster: Roster,
  onGrouped: () => void,
): BatchCutter {
  const { batch, encoding, compression, rateLimit, order } = config
  const { maxBytes, maxEvents } = limiter
  const options = {
    reader,
    walk: new RecordWalk(arena.words, encoding !== 'json', overheadBytes(config)),
    encoding,
    maxBytes: Math.min(batch.maxBytes, maxBytes - growthBytesMax(maxBytes, compression)),
    maxEvents: Math.min(batch.maxEvents, maxEvents),
    maxAgeMs: batch.maxAgeMs,
  }
  const per = rateLimit?.per ?? 'sink'
  if (per === 'sink' && order === 'none') return new Cutter(options)
  return new KeyedCutter({
    ...options,
    keyOf: typeof per === 'object' ? 'field' : 'source',
    group: (of) =>
      grouper.group({ part: allOf(arena.words, of), field: typeof per === 'object' ? per.field : '' }),
    limiter,
    words: arena.words,
    mayCut: (key) => roster.mayCutKey(key),
    inOrder: order === 'per_source',
    onGrouped,
    onGroupFailure: (error) => events?.sinkTaskFailed?.(name, error),
    nowMs: clock.now(),
  })
}

/** All that was taken, as one part. */
function allOf(words: Int32Array, of: Taken): EncodePart {
  const parts = of.ranges.map(({ first, end }) => partOf(words, of, first, end))
  return encodePart(parts.length === 1 ? parts[0]! : pickPart(words, of, recordsOfAll(words, parts))!)
}
