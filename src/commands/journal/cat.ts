/** `spillway journal cat`: the events in the journal, one a line. */
import { once } from 'node:events'
import { spwError } from '../../base/errors.ts'
import type { Checkpoint } from '../../journal/checkpoint.ts'
import type { FrameMemory } from '../../journal/frame-codec.ts'
import { HeldRecords } from '../../journal/held-records.ts'
import type { FrameStep } from '../../journal/segment-walk.ts'
import { FRAME_KIND, recordLength, recordOffset, recordWord, regionBytes } from '../../memory/frame-region.ts'
import { standardOutput, withJournal } from './open-journal.ts'
import type { JournalOptions, JournalView, Output } from './open-journal.ts'
import { stateOf, walkLog } from './walk-log.ts'

export interface CatOptions extends JournalOptions {
  /** Sequence of the first frame. */
  readonly from?: string | undefined
  /** Events, at most. */
  readonly count?: string | undefined
  /** Only what this sink still has to settle. */
  readonly sink?: string | undefined
  /** Only events of this source. */
  readonly source?: string | undefined
  /** Each event with its id. */
  readonly ids?: boolean | undefined
}

/** Takes bytes when it can; false: it takes no more. */
export type ByteOutput = (bytes: Uint8Array) => Promise<boolean>

/** Waits while the reader is slower. */
const standardBytes: ByteOutput = async (bytes) => {
  const { stdout } = process
  if (!stdout.writable) return false
  if (!stdout.write(bytes)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')])
  return stdout.writable
}

interface Plan {
  readonly from: number
  readonly count: number
  readonly source: string | undefined
  readonly ids: boolean
  readonly held: HeldRecords | null
}

/** Prints events as NDJSON. Resolves to the exit code. */
export function journalCatCommand(
  options: CatOptions,
  output: Output = standardOutput,
  bytes: ByteOutput = standardBytes,
): Promise<0 | 1 | 2> {
  return withJournal(options, output, async (view) => {
    await cat(view, options, bytes)
    return 0
  })
}

async function cat(view: JournalView, options: CatOptions, output: ByteOutput): Promise<void> {
  const state = await stateOf(view)
  const { sink, source } = options
  if (sink !== undefined && !Object.hasOwn(state?.sinks ?? {}, sink)) {
    const known = Object.keys(state?.sinks ?? {}).join(', ') || 'none'
    const reason = `the journal knows no sink ${sink}; those that it knows: ${known}`
    throw spwError('SPW_ERR_OPTION_INVALID', { option: '--sink', reason })
  }
  const plan: Plan = {
    from: wholeNumber('--from', options.from) ?? 0,
    count: wholeNumber('--count', options.count) ?? Infinity,
    source,
    ids: options.ids === true,
    held: sink === undefined ? null : new HeldRecords(sink, state!),
  }
  let left = plan.count
  await walkLog(view, state, {
    wants: (_, next) => left > 0 && (next === null || next.firstSequence > plan.from),
    async step(step, { memory }, { basis }) {
      if (step.kind !== 'frame' || basis === null || step.head.sequence < plan.from) return true
      const lines = linesOf(step, memory, basis, plan, left)
      left -= lines.length
      return (lines.length === 0 || (await output(Buffer.concat(lines)))) && left > 0
    },
  })
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw spwError('SPW_ERR_OPTION_INVALID', { option, reason: `${text} is no whole number` })
  }
  return value
}

/** The events of a frame that are asked for, at most `max`. */
function linesOf(
  { head, at }: FrameStep,
  memory: FrameMemory,
  checkpoint: Checkpoint,
  { source, ids, held }: Plan,
  max: number,
): Buffer[] {
  const isEvents = head.kind === FRAME_KIND.EVENTS || (held !== null && head.kind === FRAME_KIND.DEFERRED)
  if (!isEvents) return []
  if (source !== undefined && checkpoint.sources[head.source]?.name !== source) return []
  const { words, bytes } = memory
  const from = at + regionBytes(head.runs, head.records)
  const lines: Buffer[] = []
  const add = (record: number) => {
    if (lines.length >= max) return
    const word = recordWord(at, head.runs, record)
    const begin = from + recordOffset(words[word]!)
    const event = bytes.subarray(begin, begin + recordLength(words[word + 1]!))
    if (!ids) {
      lines.push(Buffer.concat([event, LINE_FEED]))
      return
    }
    const isDeferred = head.kind === FRAME_KIND.DEFERRED
    const id = isDeferred
      ? `${head.originEpoch}-${head.originSequence}-${words[word + 3]! >>> 16}`
      : `${head.epoch}-${head.sequence}-${record}`
    lines.push(Buffer.concat([Buffer.from(`{"id":"${id}","event":`), event, END_OF_EVENT]))
  }
  if (held !== null) held.visit(memory, at, head, checkpoint, add)
  else for (let record = 0; record < head.records; record++) add(record)
  return lines
}

const LINE_FEED = Buffer.from('\n')
const END_OF_EVENT = Buffer.from('}\n')
