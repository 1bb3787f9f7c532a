import type { EncodeResult, EncodeTask } from '../encode/task.ts'

/** Runs `encode` tasks on the worker pool. Rejects when the worker died with it: the caller may try again. */
export interface Encoder {
  encode(task: EncodeTask): Promise<EncodeResult>
}
