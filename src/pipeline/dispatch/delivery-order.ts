import { FRAME_RECORDS_MAX } from '../../memory/frame-region.ts'
import type { Part } from './batch.ts'

/**
 * How much of what one sink delivers comes out of order: behind a later event of the same source that was delivered
 * before. Order is that in which a source's events were committed, whatever their own times; delivered means that the
 * destination has said so: what was in flight at once counts in the order of the answers. A part is looked at as a whole:
 * where it begins before the latest event delivered, all of it counts, so the figure is a bound from above.
 */
export class DeliveryOrder {
  /** The latest event delivered by name of the source, as a `place`. */
  readonly #latest = new Map<string, number>()

  /** A part is delivered now. Returns how many events of it are out of order. */
  delivered({ of, first, count, pick, events }: Part): number {
    if (events === 0) return 0
    const { sourceName, originSequence, position } = of.frame
    // The table of a deferred frame has indexes of its own: only its frame is compared.
    const isDeferred = originSequence !== position.sequence
    const from = place(originSequence, isDeferred ? 0 : (pick?.[0] ?? first))
    const to = place(originSequence, isDeferred ? 0 : (pick?.at(-1) ?? first + count - 1))
    const latest = this.#latest.get(sourceName) ?? -1
    if (to > latest) this.#latest.set(sourceName, to)
    return from < latest ? events : 0
  }
}

/** Rises with the order in which events were committed. */
function place(sequence: number, record: number): number {
  return sequence * FRAME_RECORDS_MAX + record
}
