/**
 * What a worker thread does: a shell around the Ingestor and the encoder, which know nothing of threads. Piscina calls
 * the exported functions by name; everything big is in shared memory, a task and its answer are a few numbers.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { threadNotice } from '../src/base/kernel-thread.ts'
import { encode as encodeParts } from '../src/encode/encode.ts'
import { Arena } from '../src/memory/arena.ts'
import { GcPauses, observeGc } from '../src/memory/gc-pauses.ts'
import { group as groupEvents } from '../src/scan/group.ts'
import type { EventGroup, GroupTask } from '../src/scan/group.ts'
import { Ingestor } from '../src/scan/ingest.ts'
import type { ExtentErrors, WorkerContext } from '../src/scan/worker-context.ts'
import type { EncodeResult, EncodeTask } from '../src/encode/task.ts'

const context: WorkerContext = workerData
const arena = new Arena(context.arena)
const ingestor = new Ingestor(arena, context)
// Before any task: the thread may have to be bound to a CPU, and only it knows its id.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread, not a window
parentPort?.postMessage(threadNotice())
if (context.gcPauses !== undefined) observeGc(new GcPauses(context.gcPauses), 'worker')

/** Entries of sources' rings, by their indexes. */
export type IngestTask = readonly { readonly source: number; readonly entry: number }[]

/** The answers are in the ring entries; the return value is what requests are told of their first refusals. */
export function ingest(extents: IngestTask): ExtentErrors[] {
  return extents.map(({ source, entry }) => ingestor.ingest(source, entry))
}

export function encode(task: EncodeTask): EncodeResult {
  return encodeParts(arena, context.sources, task)
}

export function group(task: GroupTask): EventGroup[] {
  return groupEvents(arena, task)
}
