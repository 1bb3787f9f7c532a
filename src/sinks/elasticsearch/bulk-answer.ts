import { classify } from '../../pipeline/http/classify.ts'
import type { Answer } from '../../pipeline/http/classify.ts'
import type { AnswerReader } from '../../pipeline/http/exchange.ts'
import { printable } from '../../pipeline/http/failure.ts'
import { ITEM_REASONS_CHARS, RESPONSE_BODY_BYTES } from '../../pipeline/limits.ts'
import type { ItemVerdict, Outcome, RetryCategory } from '../../pipeline/sink.ts'
import { AnswerScanner } from './answer-scanner.ts'
import { classifyItem } from './classify-item.ts'

/** No store says more about one event; the body is read through, not held. */
const ITEM_BYTES_MAX = 8 * 1024

type Verdict = ItemVerdict & { readonly status: number }

/** Reads the answer to one `_bulk` of `events` events: what became of each. */
export class BulkAnswer implements AnswerReader {
  readonly bodyBytesMax: number
  readonly #events: number
  readonly #wallClock: () => number
  readonly #scanner: AnswerScanner
  #seen = 0
  #delivered = 0
  /** Of those that were not delivered, in their order. */
  readonly #verdicts: Verdict[] = []
  #rejected = 0
  #firstHold: Verdict | null = null
  readonly #reasons = new Reasons()

  constructor(events: number, wallClock: () => number) {
    this.bodyBytesMax = RESPONSE_BODY_BYTES + events * ITEM_BYTES_MAX
    this.#events = events
    this.#wallClock = wallClock
    this.#scanner = new AnswerScanner((status) => this.#item(status))
  }

  read(status: number, chunk: Uint8Array): void {
    if (status >= 200 && status < 300) this.#scanner.read(chunk)
  }

  classify(answer: Answer): Outcome {
    const { status, cutOff } = answer
    const whole = classify(answer, this.#wallClock())
    // 406: a version of the API in the headers, `compatible-with`, that the store doesn't speak.
    if (status === 406 && whole.kind === 'retry') return { kind: 'hold', reason: whole.reason, status }
    if (whole.kind !== 'ack') return whole
    if (cutOff !== null) return cutOffOf(cutOff, status)
    if (!this.#scanner.whole)
      return unreadable(`HTTP ${status}, but no answer of _bulk: ${beginning(answer)}`, status)
    if (this.#seen !== this.#events) {
      return unreadable(`HTTP ${status}, but ${this.#seen} items for ${this.#events} events`, status)
    }
    const pause = whole.afterMs === undefined ? undefined : { afterMs: whole.afterMs }
    const verdicts = this.#verdicts
    if (verdicts.length === 0) return { kind: 'ack', ...pause }
    // While it takes others, these alone go again; once they are alone, they hold.
    if (this.#delivered === 0 && this.#firstHold !== null) {
      const { reason, status: itemStatus } = this.#firstHold
      return { kind: 'hold', reason, status: itemStatus }
    }
    if (this.#delivered === 0 && this.#rejected === 0) {
      const { reason, status: itemStatus } = verdicts[0]!
      return { kind: 'retry', category: categoryOf(itemStatus), reason, status: itemStatus, ...pause }
    }
    return { kind: 'partial', items: verdicts, ...pause }
  }

  #item(status: number): void {
    const index = this.#seen++
    if (status >= 200 && status < 300) {
      this.#delivered++
      return
    }
    if (index >= this.#events) return
    const { type, reason } = this.#scanner
    const itemClass = classifyItem(status, type, reason)
    if (itemClass === 'delivered') {
      this.#delivered++
      return
    }
    const kind = itemClass === 'reject' ? 'reject' : 'retry'
    const verdict = { index, kind, reason: this.#reasons.of(status, type, reason), status } as const
    this.#verdicts.push(verdict)
    if (itemClass === 'reject') this.#rejected++
    if (itemClass === 'hold') this.#firstHold ??= verdict
  }
}

/** The words for each item. Most often they are those of the one before; when there are too many, the type has to do. */
class Reasons {
  #chars = 0
  #type = ''
  #reason = ''
  #status = -1
  #words = ''
  readonly #byType = new Map<string, string>()

  of(status: number, type: string, reason: string): string {
    if (status === this.#status && type === this.#type && reason === this.#reason) return this.#words
    const words = wordsOf(status, type, reason)
    if (this.#chars + words.length > ITEM_REASONS_CHARS) return this.#shortened(status, type)
    this.#chars += words.length
    this.#status = status
    this.#type = type
    this.#reason = reason
    this.#words = words
    return words
  }

  #shortened(status: number, type: string): string {
    const key = `${status} ${type}`
    let words = this.#byType.get(key)
    if (words === undefined) {
      words = this.#byType.size < TYPES_MAX ? wordsOf(status, type, '') : `status ${status}`
      if (this.#byType.size < TYPES_MAX) this.#byType.set(key, words)
    }
    return words
  }
}

/** A store that makes up a type for each event is not remembered by them all. */
const TYPES_MAX = 64

function wordsOf(status: number, type: string, reason: string): string {
  const words = printable(type === '' || reason === '' ? type + reason : `${type}: ${reason}`)
  if (words !== '') return words
  return status === 0 ? 'an item without a status' : `status ${status}`
}

function categoryOf(status: number): RetryCategory {
  if (status === 429) return 'throttled'
  return status >= 500 ? 'server_error' : 'unknown'
}

function beginning({ body }: Answer): string {
  return body === '' ? 'an empty body' : printable(body)
}

function unreadable(reason: string, status: number): Outcome {
  return { kind: 'retry', category: 'unknown', reason, status }
}

/** The head came, but what became of the events stands in the body; sending them again does no harm. */
function cutOffOf(cutOff: Outcome, status: number): Outcome {
  if (cutOff.kind !== 'retry') return cutOff
  return { ...cutOff, reason: `HTTP ${status}, but its body broke off: ${cutOff.reason}`, status }
}
