/** `spillway journal verify`: reads everything, and names what is damaged. */
/* oxlint-disable no-await-in-loop -- one attempt after another */
import { setTimeout as pause } from 'node:timers/promises'
import type { Damage } from '../../journal/damage.ts'
import { FRAME_KIND } from '../../memory/frame-region.ts'
import { standardOutput, withJournal } from './open-journal.ts'
import type { JournalOptions, JournalView, Output } from './open-journal.ts'
import { stateOf, walkLog } from './walk-log.ts'
import type { SegmentRead } from './walk-log.ts'

/** Beside a collector a write may be caught half done: what looks damaged is looked at again. */
const ATTEMPTS = 3
const BETWEEN_ATTEMPTS_MS = 150

interface VerifiedSegment {
  readonly name: string
  readonly frames: number
  readonly events: number
  readonly bytes: number
  /** At the end of the newest segment: a write that is under way, or that a crash broke off. Nothing of it was promised. */
  readonly unfinishedBytes: number
  readonly damage: readonly Damage[]
}

/** Prints a line for each segment and each damage. Resolves to the exit code: 1 where something is damaged. */
export function journalVerifyCommand(
  options: JournalOptions,
  output: Output = standardOutput,
): Promise<0 | 1 | 2> {
  return withJournal(options, output, async (view) => {
    const segments = await verify(view)
    const damaged = isDamaged(segments)
    output.out(
      options.json === true
        ? `${JSON.stringify({ damaged, segments }, undefined, 2)}\n`
        : shown(view, segments),
    )
    return damaged ? 1 : 0
  })
}

async function verify(view: JournalView): Promise<VerifiedSegment[]> {
  for (let attempt = 1; ; attempt++) {
    const segments = await verifyOnce(view)
    if (attempt === ATTEMPTS || !isDamaged(segments)) return segments
    await pause(BETWEEN_ATTEMPTS_MS)
  }
}

async function verifyOnce(view: JournalView): Promise<VerifiedSegment[]> {
  const segments: VerifiedSegment[] = []
  let frames = 0
  let events = 0
  await walkLog(view, await stateOf(view), {
    step(step) {
      if (step.kind === 'frame') {
        frames++
        if (step.head.kind === FRAME_KIND.EVENTS) events += step.head.records
      }
      return true
    },
    end(read) {
      segments.push(verified(read, frames, events))
      frames = events = 0
    },
  })
  return segments
}

function verified(
  { segment, name, isNewest, account, fileBytes }: SegmentRead,
  frames: number,
  events: number,
): VerifiedSegment {
  const damage: Damage[] = [...account.damage]
  const { tail } = account
  const isUnfinished = isNewest && tail?.reason === 'short'
  if (isNewest && tail !== null && !isUnfinished) {
    const { offset, end, reason } = tail
    damage.push({ segment: segment.number, offset, end, reason, frames: null, lost: {} })
  }
  const unfinishedBytes = isUnfinished ? tail.end - tail.offset : 0
  return { name, frames, events, bytes: fileBytes, unfinishedBytes, damage }
}

function isDamaged(segments: readonly VerifiedSegment[]): boolean {
  return segments.some(({ damage }) => damage.length > 0)
}

function shown({ directory }: JournalView, segments: readonly VerifiedSegment[]): string {
  if (segments.length === 0) return `${directory}: no journal yet\n`
  return segments.map(shownSegment).join('')
}

function count(n: number): string {
  return n.toLocaleString('en')
}

function shownSegment({ name, frames, events, bytes, unfinishedBytes, damage }: VerifiedSegment): string {
  const counts = `${count(frames)} frames, ${count(events)} events, ${count(bytes)} bytes`
  const unfinished = unfinishedBytes > 0 ? `, of these ${count(unfinishedBytes)} of an unfinished write` : ''
  const verdict = damage.length === 0 ? 'ok' : 'DAMAGED'
  return [`${name}: ${verdict}, ${counts}${unfinished}`, ...damage.map(shownDamage)]
    .map((line) => `${line}\n`)
    .join('')
}

const REASONS: Readonly<Record<Damage['reason'], string>> = {
  header: 'no valid header',
  foreign: 'a frame that does not belong here',
  body: 'the checksum does not fit',
  short: 'ends within a frame',
  unreadable: 'the disk cannot read it',
  missing: 'frames are missing',
}

/** `  bytes 4096 to 8192: the checksum does not fit; frames 17 to 18; lost: push 20` */
export function shownDamage({ offset, end, reason, frames, lost }: Damage): string {
  const lostBy = Object.entries(lost).map(([source, events]) => `${source} ${events.toLocaleString('en')}`)
  return [
    `  bytes ${offset} to ${end}: ${REASONS[reason]}`,
    ...(frames === null ? [] : [`frames ${frames.first} to ${frames.first + frames.count - 1}`]),
    lostBy.length === 0 ? 'events lost: not known' : `events lost: ${lostBy.join(', ')}`,
  ].join('; ')
}
