import type { EncodeResult, EncodeTask } from '../encode/task.ts'
import type { EventGroup, GroupTask } from '../scan/group.ts'

/** Runs `encode` tasks on the worker pool. Rejects when the worker died with it: the caller may try again. */
export interface Encoder {
  encode(task: EncodeTask): Promise<EncodeResult>
}

/** Runs `group` tasks on the worker pool. Rejects as an Encoder does. */
export interface Grouper {
  group(task: GroupTask): Promise<EventGroup[]>
}
