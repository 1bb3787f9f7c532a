/* oxlint-disable no-await-in-loop -- one chunk after another */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import type { LetterId } from '../../dlq/letter-id.ts'
import type { ExtentTerms } from '../../pipeline/intake/extent-terms.ts'
import type { Intake } from '../../pipeline/intake/intake.ts'
import type { Stream } from '../../pipeline/intake/stream.ts'
import { Pace } from './pace.ts'

/** How long it waits before it looks again, be it for room or for tokens. */
const LOOK_AGAIN_MS = 20

/** A letter that is about to be received anew. */
export interface OutgoingLetter {
  readonly id: LetterId
  readonly terms: ExtentTerms
  readonly peer: string
  /** Its record as one line, line feed included. */
  readonly line: Uint8Array
}

/** What became of letters that were sent. */
export interface FeedCounts {
  accepted: number
  rejected: number
}

export interface LetterFeedOptions {
  readonly intake: Intake
  readonly clock: Clock
  /** Records a second. */
  readonly rate: number
  /** Why nothing may be taken now, though there is room; null: it may. */
  readonly mustWait: () => string | null
}

/** Writes records into the intake, in order and at a rate, while those that send live events are not kept waiting. */
export class LetterFeed {
  readonly #options: LetterFeedOptions
  readonly #pace: Pace
  readonly counts: FeedCounts = { accepted: 0, rejected: 0 }
  /** What it waits for; null while it doesn't. */
  waitingFor: string | null = null
  #stopped = false
  #abandoned = false
  #open = 0
  #allDone: (() => void) | null = null
  /** Of a stream that waits for room. */
  #goOn: (() => void) | null = null

  constructor(options: LetterFeedOptions) {
    this.#options = options
    this.#pace = new Pace(options.rate, options.clock)
  }

  /** Sends nothing more; what was sent is waited for, unless `abandon`. */
  stop(abandon = false): void {
    this.#stopped = true
    this.#abandoned ||= abandon
    if (!this.#abandoned) return
    this.#goOn?.()
    this.#allDone?.()
  }

  /** Resolves when all that could be sent until `stop` is as safe as the source wants it: false where that is abandoned. */
  async send(letters: readonly OutgoingLetter[]): Promise<boolean> {
    for (let at = 0; at < letters.length && !this.#stopped;) {
      const now = letters.slice(at, at + (await this.#tokens()))
      at += await this.#write(now)
    }
    if (this.#open > 0 && !this.#abandoned) await new Promise<void>((resolve) => (this.#allDone = resolve))
    return this.#open === 0
  }

  async #tokens(): Promise<number> {
    while (this.#pace.available === 0 && !this.#stopped) await this.#pause()
    return this.#pace.available
  }

  /** Returns how many were written. Ended together, so that they are one extent where they can. */
  async #write(letters: readonly OutgoingLetter[]): Promise<number> {
    const streams: Stream[] = []
    let written = 0
    for (const chunk of chunksOf(letters, this.#options.intake.chunkBytesMax)) {
      const bytes = Buffer.concat(chunk.map(({ line }) => line))
      await this.#room(bytes.length)
      if (this.#stopped) break
      streams.push(await this.#stream(chunk[0]!, bytes))
      written += chunk.length
      this.#pace.spend(chunk.length)
    }
    for (const stream of streams) stream.end(true)
    await nextTurn()
    return written
  }

  async #room(bytes: number): Promise<void> {
    const { intake, mustWait } = this.#options
    for (;;) {
      if (this.#stopped) return
      this.waitingFor = mustWait()
      if (this.waitingFor === null && intake.hasRoom(bytes)) return
      this.waitingFor ??= 'room in the arena'
      await this.#pause()
    }
  }

  #stream({ peer, terms }: OutgoingLetter, bytes: Uint8Array): Promise<Stream> {
    return new Promise((resolve) => {
      this.#open++
      const onDone = ({ accepted, rejected }: Stream) => {
        this.counts.accepted += accepted
        this.counts.rejected += rejected
        if (--this.#open === 0) this.#allDone?.()
      }
      const onDrain = () => this.#goOn?.()
      this.#goOn = () => resolve(stream)
      const stream = this.#options.intake.openStream({ peer, framing: 'lines', terms, onDrain, onDone })
      if (stream.write(bytes)) resolve(stream)
    })
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimeout(() => resolve(), LOOK_AGAIN_MS))
  }
}

/** Neighbours with one peer and one set of terms, no longer than a stream may be given at once. */
function* chunksOf(letters: readonly OutgoingLetter[], bytesMax: number): Generator<OutgoingLetter[]> {
  let chunk: OutgoingLetter[] = []
  let bytes = 0
  for (const letter of letters) {
    const [first] = chunk
    const fits =
      first?.peer === letter.peer && first.terms === letter.terms && bytes + letter.line.length <= bytesMax
    if (!fits && chunk.length > 0) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(letter)
    bytes += letter.line.length
  }
  if (chunk.length > 0) yield chunk
}
