/** One write or truncation of a file. */
export type Change = { readonly at: number; readonly bytes: Buffer } | { readonly length: number }

/** Bytes that grow. */
class Content {
  #buffer = Buffer.alloc(0)
  length = 0

  static of(bytes: Uint8Array): Content {
    const content = new Content()
    content.apply({ at: 0, bytes: Buffer.from(bytes) })
    return content
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  apply(change: Change): void {
    if ('length' in change) {
      this.#reserve(change.length)
      this.length = change.length
    } else {
      const end = change.at + change.bytes.length
      this.#reserve(end)
      change.bytes.copy(this.#buffer, change.at)
      this.length = Math.max(this.length, end)
    }
    // What a truncation cut off must not come back when the file grows again.
    this.#buffer.fill(0, this.length)
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return
    const grown = Buffer.alloc(Math.max(bytes, this.#buffer.length * 2))
    this.bytes.copy(grown)
    this.#buffer = grown
  }
}

/** A file as the kernel shows it, and what of it is on the platter. */
export class SimulatedFile {
  readonly #cached: Content
  readonly #durable: Content
  /** Written since the last sync, in order. */
  readonly #unsynced: Change[] = []
  /** A sync of these failed: their pages count as clean, on the platter or not, and no later sync is about them. */
  #forsaken: Change[] = []
  handles = 0
  /** Writes and syncs that are on their way. */
  busy = 0
  /** A write or a sync failed. */
  failed = false

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#cached = Content.of(bytes)
    this.#durable = Content.of(bytes)
  }

  get bytes(): Buffer {
    return this.#cached.bytes
  }

  change(change: Change): void {
    this.#cached.apply(change)
    this.#unsynced.push(change)
  }

  /** What a sync that begins now is about. */
  get unsynced(): readonly Change[] {
    return [...this.#unsynced]
  }

  synced(changes: readonly Change[]): void {
    for (const change of changes) {
      const at = this.#unsynced.indexOf(change)
      if (at < 0) continue
      this.#unsynced.splice(at, 1)
      this.#durable.apply(change)
      // What an earlier failure left in doubt there is overwritten.
      this.#forsaken = this.#forsaken.flatMap((forsaken) => withoutRange(forsaken, change))
    }
  }

  /** As Linux does it: the pages count as clean, and may be dropped, so that old content is read again. */
  syncFailed(changes: readonly Change[], random: () => number): void {
    for (const change of changes) {
      const at = this.#unsynced.indexOf(change)
      if (at < 0) continue
      this.#unsynced.splice(at, 1)
      this.#forsaken.push(change)
    }
    if (random() < 0.5) return
    const length = this.#cached.length
    for (const change of this.#forsaken.splice(0)) applySome(this.#durable, change, random)
    this.#cached.apply({ at: 0, bytes: Buffer.from(this.#durable.bytes) })
    if (this.#durable.length < length) {
      this.#cached.apply({ at: this.#durable.length, bytes: Buffer.alloc(length - this.#durable.length) })
    }
    for (const change of this.#unsynced) this.#cached.apply(change)
  }

  /** What a power cut leaves: of what was not synced any part, in any combination. */
  afterCrash(random: () => number): Buffer {
    const left = Content.of(this.#durable.bytes)
    const share = shareOf(random)
    for (const change of [...this.#forsaken, ...this.#unsynced]) {
      if (random() < share) applySome(left, change, random)
    }
    // The length may have reached the platter without the bytes.
    if (left.length < this.#cached.length && random() < 0.2) left.apply({ length: this.#cached.length })
    return left.bytes
  }
}

/** What is left of a change where another one was made later. */
function withoutRange(change: Change, later: Change): Change[] {
  if ('length' in change || 'length' in later) return [change]
  const end = change.at + change.bytes.length
  const laterEnd = later.at + later.bytes.length
  const pieces: Change[] = []
  if (change.at < later.at)
    pieces.push({ at: change.at, bytes: change.bytes.subarray(0, later.at - change.at) })
  if (laterEnd < end) {
    const from = Math.max(laterEnd, change.at)
    pieces.push({ at: from, bytes: change.bytes.subarray(from - change.at) })
  }
  return change.at >= laterEnd || end <= later.at ? [change] : pieces
}

/** How much survives on the whole: nothing, everything, or by chance. */
export function shareOf(random: () => number): number {
  return Math.floor(random() * 3) / 2
}

/** All of a change, or the begin, the end or the middle of it. */
function applySome(content: Content, change: Change, random: () => number): void {
  if ('length' in change) {
    if (random() < 0.5) content.apply(change)
    return
  }
  const cut = () => Math.floor(random() * (change.bytes.length + 1))
  const from = random() < 0.3 ? cut() : 0
  const to = random() < 0.5 ? change.bytes.length : cut()
  if (from < to) content.apply({ at: change.at + from, bytes: change.bytes.subarray(from, to) })
}
