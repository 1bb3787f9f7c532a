import { formatAddress } from '../base/address.ts'
import type { Arena } from '../memory/arena.ts'
import { PEER_BYTES_MAX, RUN, runWord } from '../memory/frame-region.ts'
import type { MessageDecoder } from './message-decoder.ts'

const MAPPED = '::ffff:'
const DOT = 0x2e
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Who sent the records at hand: the peer of their run, or each datagram's own sender. Text only where it is asked for. */
export class Sender {
  readonly #arena: Arena
  #from = 0
  #to = 0
  /** Of a datagram's sender; -1: what stands there is an address and a port already. */
  #port = -1
  #text: string | undefined

  constructor(arena: Arena) {
    this.#arena = arena
  }

  beginRun(region: number, run: number): void {
    const { words } = this.#arena
    const word = runWord(region, run)
    this.#from = (word + RUN.PEER) << 2
    this.#to = this.#from + Math.min(words[word + RUN.PEER_BYTES]!, PEER_BYTES_MAX)
    this.#port = -1
    this.#text = undefined
  }

  beginDatagram(addressFrom: number, addressTo: number, port: number): void {
    this.#from = addressFrom
    this.#to = addressTo
    this.#port = port
    this.#text = undefined
  }

  /** `192.0.2.7:514` */
  get text(): string {
    return (this.#text ??= this.#read())
  }

  #read(): string {
    const text = String.fromCharCode(...this.#arena.bytes.subarray(this.#from, this.#to))
    return this.#port === -1 ? text : formatAddress(text, this.#port)
  }

  /** Tells a decoder the address alone, without port and brackets, IPv4 as it is. */
  introduceTo(decoder: MessageDecoder): void {
    let from = this.#from
    let to = this.#to
    if (this.#port === -1) {
      const { bytes } = this.#arena
      const colon = bytes.subarray(from, to).lastIndexOf(COLON)
      if (colon !== -1) to = from + colon
      if (bytes[from] === OPEN_BRACKET && bytes[to - 1] === CLOSE_BRACKET) {
        from++
        to--
      }
    } else if (this.#isMapped(from, to)) from += MAPPED.length
    decoder.setPeer(from, to)
  }

  /** An IPv4 address that came through an IPv6 socket. */
  #isMapped(from: number, to: number): boolean {
    const { bytes } = this.#arena
    for (let i = 0; i < MAPPED.length; i++) if (bytes[from + i] !== MAPPED.charCodeAt(i)) return false
    return bytes.subarray(from, to).includes(DOT)
  }
}
