/** Every bit of a small journal flipped, every byte overwritten, and the file cut at every offset. */
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { Recovered } from '../../src/journal/recovery.ts'
import type { JournalState } from '../../src/journal/state.ts'
import { EPOCH, MadeJournal, events } from './fixtures/made-journal.ts'
import type { Placed } from './fixtures/made-journal.ts'
import { DIRECTORY, framesIn, recoveryRig } from './fixtures/recovery-rig.ts'

const SOURCES = ['push', 'net']

/** Four frames of two sources and a deferred one, for a sink that reads both, and one that filters. */
function smallJournal(): MadeJournal {
  return new MadeJournal(
    SOURCES,
    [
      { name: 'siem', inputs: [0, 1] },
      { name: 'alerts', inputs: [0], filter: 3 },
    ],
    5,
  )
    .begin(3)
    .frame({
      source: 0,
      records: [...events('a', 2), ...events('b', 1, { fast: true, routes: 8 })],
      rejected: 1,
    })
    .frame({ source: 1, records: events('c', 3), shed: 2 })
    .frame({ source: 0, records: events('d', 2, { routes: 8 }) })
    .frame({
      source: 0,
      records: events('b', 1),
      deferred: { sink: 0, sequence: 5, indexes: [2] },
    })
    .frame({ source: 1, records: events('e', 1) })
}

const whole = smallJournal()
const original = Buffer.from(whole.content)

function stateOf(journal: MadeJournal): JournalState {
  const deadLetters = { found: 0, replayed: 0, purged: 0, evicted: 0 }
  return { version: 1, sequence: 1, checkpoint: journal.checkpoints[0]!, sinks: {}, deadLetters }
}

const ACCEPTED = 9

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0)

function acceptedOf({ checkpoint }: Recovered): number {
  return sum(checkpoint.sources.map(({ accepted }) => accepted))
}

function lostOf({ damage }: Recovered): number {
  return sum(damage.flatMap(({ lost }) => Object.values(lost)))
}

interface Outcome {
  readonly recovered: Recovered
  readonly found: readonly Placed[]
  readonly told: readonly string[]
}

/** Recovers, and holds what it says against what was written. */
async function outcomeOf(
  content: Uint8Array,
  state: JournalState | null,
  twice: boolean,
): Promise<Outcome | string> {
  const rig = recoveryRig({ copies: false })
  const { disk, told } = rig
  disk.put(join(DIRECTORY, whole.name), content)
  const recovered = await rig.recover(state)
  const found: Placed[] = []
  const readable = recovered.newest === null ? [] : await framesIn(disk, whole.name, EPOCH)
  for (const { bytes, sequence } of readable) {
    const made = whole.frames.find((frame) => frame.sequence === sequence)
    if (made === undefined || Buffer.compare(made.bytes, bytes) !== 0) return `frame ${sequence} is invented`
    found.push(made)
  }
  const foundEvents = sum(found.map(({ records, isDeferred }) => (isDeferred ? 0 : records)))
  if (acceptedOf(recovered) !== foundEvents + lostOf(recovered)) {
    return `accepted ${acceptedOf(recovered)}, found ${foundEvents}, lost ${lostOf(recovered)}`
  }
  const ends = [0, ...whole.frames.flatMap(({ offset, end }) => [offset, end])]
  const isCutBetween = content.length < original.length && ends.includes(content.length)
  const silent =
    !isCutBetween && recovered.damage.length === 0 && !told.some((event) => event.startsWith('cut'))
  if (found.length < whole.frames.length && silent) return `${found.length} frames, and nothing is told`
  if (acceptedOf(recovered) > ACCEPTED) return 'more than there ever was'
  if (twice && acceptedOf(await rig.recover(state)) !== acceptedOf(recovered))
    return 'another result the second time'
  return { recovered, found, told }
}

async function each(
  t: Test,
  label: string,
  contents: Iterable<readonly [content: Uint8Array, at: number]>,
  state: JournalState | null,
  check: (outcome: Outcome, at: number) => string | undefined = () => undefined,
): Promise<void> {
  const wrong: string[] = []
  let count = 0
  for (const [content, at] of contents) {
    const outcome = await outcomeOf(content, state, count % 8 === 0)
    const complaint = typeof outcome === 'string' ? outcome : check(outcome, at)
    if (complaint !== undefined) wrong.push(`${label} ${at}: ${complaint}`)
    count++
  }
  t.same(wrong.slice(0, 10), [], `${count} times`)
}

/** One bit of every so many bytes, each time another one; that no flip of any bit goes unnoticed is the codec's test. */
function* flips(step: number): Generator<readonly [content: Uint8Array, at: number]> {
  for (let at = 0; at < original.length; at += step) {
    const content = Buffer.from(original)
    content[at]! ^= 1 << ((at * 3 + (at >> 3)) & 7)
    yield [content, at]
  }
}

function* overwritten(bytes: number, value: number): Generator<readonly [Uint8Array, number]> {
  for (let at = 0; at < original.length; at += bytes) {
    const content = Buffer.from(original)
    content.fill(value, at, Math.min(at + bytes, content.length))
    yield [content, at]
  }
}

function* truncated(step: number): Generator<readonly [Uint8Array, number]> {
  for (let length = 0; length <= original.length; length += step) yield [original.subarray(0, length), length]
}

/** Frames that begin at or before an offset, and end behind it. */
const frameAt = (offset: number) =>
  whole.frames.find(({ offset: from, end }) => from <= offset && offset < end)

t.test('a bit of the newest segment is flipped, and the state tells what it begins with', async (t) => {
  await each(t, 'byte', flips(2), stateOf(whole), ({ recovered, found }, at) => {
    const hit = frameAt(at)
    const missing = whole.frames.filter((frame) => !found.includes(frame))
    if (missing.some((frame) => frame !== hit)) return 'a frame is missing that was not hit'
    const counted = acceptedOf(recovered) === ACCEPTED
    const tellable = hit === undefined || missing.length === 0 || at - hit.offset >= 208 || hit.sequence < 7
    return counted || !tellable ? undefined : 'a header, or a later frame, tells how many are lost'
  })
})

t.test('a bit is flipped, and there is no state', async (t) => {
  await each(t, 'byte', flips(7), null)
})

t.test('zeros, ones and old frames over it', async (t) => {
  for (const state of [stateOf(whole), null]) {
    await each(t, 'zeros of 16 at', overwritten(16, 0), state)
    await each(t, 'ones of 64 at', overwritten(64, 0xff), state)
    await each(t, 'zeros of 512 at', overwritten(512, 0), state)
  }
  const old = whole.frames[0]!
  const copies = whole.frames.map(({ offset }): [Uint8Array, number] => {
    const content = Buffer.from(original)
    content.set(
      original.subarray(old.offset, Math.min(old.end, old.offset + content.length - offset)),
      offset,
    )
    return [content, offset]
  })
  await each(t, 'an old frame at frame', copies, stateOf(whole))
})

t.test('cut at every offset: what is whole before it is there, and nobody is alarmed', async (t) => {
  await each(t, 'length', truncated(1), stateOf(whole), ({ recovered, found, told }, length) => {
    const expected = whole.frames.filter(({ end }) => end <= length)
    if (length > 0 && length < whole.frames[0]!.offset) return found.length === 0 ? undefined : 'frames'
    if (found.length !== expected.length) return `${found.length} of ${expected.length}`
    if (recovered.damage.length > 0) return 'an unfinished write is no damage'
    const atEnd = length === 0 || whole.frames.some(({ offset, end }) => offset === length || end === length)
    if (atEnd === told.some((event) => event.startsWith('cut'))) return `told ${told.join()}`
    return recovered.nextSequence === 5 + expected.length ? undefined : `next ${recovered.nextSequence}`
  })
  await each(t, 'length', truncated(11), null)
})
