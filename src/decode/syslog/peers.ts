import type { JsonPiece } from './json-writer.ts'

/** An IPv6 address with its scope is shorter. */
const ADDRESS_BYTES_MAX = 64
/** Senders known at once; two that fall on one place take turns. A power of two. */
const PLACES = 256

interface Peer {
  readonly address: Uint8Array
  addressBytes: number
  piece: JsonPiece
}

/** The text of each sender's address as JSON, made once: over UDP many senders take turns, datagram by datagram. */
export class Peers {
  readonly #bytes: Uint8Array
  readonly #places: (Peer | undefined)[] = Array.from({ length: PLACES })
  readonly #write: (address: string) => JsonPiece

  /** `write` makes the piece of an address. */
  constructor(bytes: Uint8Array, write: (address: string) => JsonPiece) {
    this.#bytes = bytes
    this.#write = write
  }

  /** The piece of the address [from, to). Characters that no address has are left out. */
  pieceOf(from: number, to: number): JsonPiece {
    const bytes = this.#bytes
    const end = Math.min(to, from + ADDRESS_BYTES_MAX)
    let hash = 0
    for (let at = from; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
    const place = (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (PLACES - 1)
    const known = this.#places[place]
    if (known !== undefined && this.#isAt(known, from, end)) return known.piece
    const address = bytes.slice(from, end)
    const piece = this.#write(
      Buffer.from(address)
        .toString('latin1')
        .replaceAll(/[^!#-[\]-~]/g, ''),
    )
    this.#places[place] = { address, addressBytes: address.length, piece }
    return piece
  }

  #isAt({ address, addressBytes }: Peer, from: number, to: number): boolean {
    if (to - from !== addressBytes) return false
    for (let at = from; at < to; at++) if (this.#bytes[at] !== address[at - from]) return false
    return true
  }
}
