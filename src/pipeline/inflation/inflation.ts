import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import type { Gunzip, ZstdDecompress } from 'node:zlib'
import { KIB } from '../../base/units.ts'
import { INFLATER_BYTES } from '../limits.ts'
import type { InflaterPermits } from './inflater-permits.ts'
import { zstdWindowBytes } from './zstd-window.ts'

/** Inflated bytes come in pieces of at most this size. */
const OUTPUT_CHUNK_BYTES = 64 * KIB
/** What a zstd decoder needs beside its window: its tables, a block on its way in and out, our chunks. */
const ZSTD_BYTES_BESIDE_WINDOW = 512 * KIB

/** Who gets what was inflated. */
export interface InflationTarget {
  inflated(chunk: Buffer): void
  /** The chunk given to `write` is used up: the next one may come. */
  inflaterWantsMore(): void
  /** After `end`: all is inflated. */
  inflationEnded(): void
  /** The compressed data is broken, cut short, or followed by something else. Nothing comes after it. */
  inflationFailed(reason: string): void
}

/**
 * A compressed body, inflated as it comes: gzip members (RFC 1952) or zstd frames (RFC 8878), one after another. It
 * inflates in the threads of libuv, one chunk at a time, and waits, with its first chunk in hand, for memory to do so.
 */
export class Inflation {
  readonly #coding: 'gzip' | 'zstd'
  readonly #target: InflationTarget
  readonly #permits: InflaterPermits
  #waiting: { cancel(): void } | null = null
  #windowBytes = 0
  #decoder: Gunzip | ZstdDecompress | null = null
  /** What the decoder has been given last, and how much it had used before. */
  #chunk: Buffer | null = null
  #usedBefore = 0
  #ending = false
  #paused = false
  #closed = false

  constructor(coding: 'gzip' | 'zstd', target: InflationTarget, permits: InflaterPermits) {
    this.#coding = coding
    this.#target = target
    this.#permits = permits
  }

  /** True while it has no memory to inflate with: what its client sent waits for other bodies. */
  get waiting(): boolean {
    return this.#waiting !== null
  }

  /** Takes the next chunk; only after `inflaterWantsMore` for the one before. The chunk must stay unchanged until then. */
  write(chunk: Buffer): void {
    this.#chunk = chunk
    if (this.#decoder !== null) {
      this.#feed(chunk)
      return
    }
    this.#windowBytes = this.#coding === 'zstd' ? zstdWindowBytes(chunk) : 0
    const bytes = this.#coding === 'zstd' ? this.#windowBytes + ZSTD_BYTES_BESIDE_WINDOW : INFLATER_BYTES
    let granted = false
    const waiting = this.#permits.acquire(Math.ceil(bytes / INFLATER_BYTES), (count) => {
      granted = true
      this.#waiting = null
      this.#open(count)
    })
    if (!granted) this.#waiting = waiting
  }

  /** The body has ended. A body of no bytes at all is empty, not broken. */
  end(): void {
    this.#ending = true
    if (this.#chunk !== null) return
    if (this.#decoder === null) this.#target.inflationEnded()
    else this.#decoder.end()
  }

  pause(): void {
    this.#paused = true
    this.#decoder?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#decoder?.resume()
  }

  /** Nothing is told to the target any more. */
  close(): void {
    this.#closed = true
    this.#waiting?.cancel()
    this.#waiting = null
    this.#decoder?.destroy()
  }

  /** The first decoder of the body; `permits` are held until the last one is gone. */
  #open(permits: number): void {
    const decoder = this.#newDecoder(permits)
    this.#decoder = decoder
    this.#usedBefore = 0
    if (this.#paused) decoder.pause()
    this.#feed(this.#chunk!)
  }

  #newDecoder(permits: number): Gunzip | ZstdDecompress {
    const decoder =
      this.#coding === 'gzip'
        ? createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES })
        : createZstdDecompress({
            chunkSize: OUTPUT_CHUNK_BYTES,
            params: { [constants.ZSTD_d_windowLogMax]: Math.ceil(Math.log2(this.#windowBytes)) },
          })
    let passedOn = false
    decoder.on('data', (chunk: Buffer) => {
      if (!this.#closed) this.#target.inflated(chunk)
    })
    decoder.on('end', () => {
      passedOn = this.#decoderEnded(permits)
    })
    decoder.on('error', (error: NodeJS.ErrnoException) => this.#fail(reasonOf(error)))
    decoder.on('close', () => {
      if (!passedOn) this.#permits.release(permits)
    })
    return decoder
  }

  #feed(chunk: Buffer): void {
    const decoder = this.#decoder!
    this.#usedBefore = decoder.bytesWritten
    decoder.write(chunk, () => {
      // What a frame's end left over is for the next decoder.
      if (this.#closed || decoder !== this.#decoder || this.#leftOver(decoder) > 0) return
      this.#chunk = null
      if (this.#ending) decoder.end()
      else this.#target.inflaterWantsMore()
    })
  }

  #leftOver(decoder: Gunzip | ZstdDecompress): number {
    return this.#chunk === null ? 0 : this.#chunk.length - (decoder.bytesWritten - this.#usedBefore)
  }

  /** True when another decoder goes on with the rest, and with the permits: Node's stops behind the first zstd frame. */
  #decoderEnded(permits: number): boolean {
    if (this.#closed) return false
    const leftOver = this.#leftOver(this.#decoder!)
    if (leftOver === 0) {
      this.#target.inflationEnded()
      return false
    }
    if (this.#coding === 'gzip') {
      this.#fail('something else follows it')
      return false
    }
    this.#chunk = this.#chunk!.subarray(this.#chunk!.length - leftOver)
    this.#open(permits)
    return true
  }

  #fail(reason: string): void {
    if (this.#closed) return
    this.close()
    this.#target.inflationFailed(reason)
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'Z_BUF_ERROR':
      return 'it ends too early'
    case 'ZSTD_error_frameParameter_windowTooLarge':
      return 'a window of more than 8 MiB, or than that of the first frame, is not taken'
    default:
      return error.message
  }
}
