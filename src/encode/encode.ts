/**
 * The `encode` task: gathers chosen records of some frames into an output slab, in the form that a destination or the
 * dead-letter queue takes. Pure over the arena; runs on a worker.
 */
import type { Arena } from '../memory/arena.ts'
import { compress } from './compress.ts'
import { encodeDeadLetters } from './dead-letters.ts'
import type { EncodeSource } from './dead-letters.ts'
import { encodeDeferred } from './deferred-frame.ts'
import { gather } from './gather.ts'
import { Output } from './output.ts'
import type { EncodeResult, EncodeTask } from './task.ts'

/** Does one task; the bytes are at `task.outFrom`. The batcher has seen to it that what is sent fits. */
export function encode(arena: Arena, sources: readonly EncodeSource[], task: EncodeTask): EncodeResult {
  if (task.format === 'dead_letter') return encodeDeadLetters(arena, sources, task)
  if (task.format === 'frame') return encodeDeferred(arena, task)
  const { outFrom, outTo, compression } = task
  const output = new Output(arena, outFrom, outTo)
  const events = gather(arena, task, output)
  const bytes =
    compression === 'none' ? output.used : compress(arena.bytes, outFrom, output.used, outTo, compression)
  return { bytes, events, nextPart: -1, nextRecord: -1 }
}
