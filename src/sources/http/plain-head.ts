import type { RequestHead } from './wire.ts'

/** Longer heads, and those of more fields, are left to node:http, whose limits are higher. */
const PLAIN_HEAD_BYTES_MAX = 4096
const PLAIN_FIELDS_MAX = 48
/** Digits of a Content-Length: the number is exact. */
const LENGTH_DIGITS_MAX = 15

const HTAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a

const REQUEST_START = Buffer.from('POST /')
const VERSION_AND_CRLF = Buffer.from(' HTTP/1.1\r\n')

const TOKEN = 1
const TARGET = 2
const FIELD = 4

/** Which bytes may stand where. */
const CLASSES = new Uint8Array(256)
for (let code = SPACE; code < 0x7f; code++) {
  const character = String.fromCharCode(code)
  if (/[\w!#$%&'*+.^`|~-]/.test(character)) CLASSES[code]! |= TOKEN
  if (/[\w!$%&'()*+,./:;=?@~-]/.test(character)) CLASSES[code]! |= TARGET
  CLASSES[code]! |= FIELD
}
CLASSES[HTAB] = FIELD

/** The head of a request that is understood entirely. */
export interface PlainHead extends RequestHead {
  /** Length of the body. */
  readonly contentLength: number
  /** Length of the head, with the empty line at its end. */
  readonly headBytes: number
}

/** `unfinished`: plain so far, its end has not come. `other`: something that only node:http is to judge. */
export type HeadVerdict = PlainHead | 'unfinished' | 'other'

/**
 * Whether these bytes begin with a request head that leaves no room for two opinions (RFC 9112):
 *
 *     request-line = method SP request-target SP HTTP-version CRLF        section 3
 *     field-line   = field-name ":" OWS field-value OWS CRLF              section 5
 *     OWS          = *( SP / HTAB )                                       RFC 9110 section 5.6.3
 *
 * with the method POST, a target in origin-form, HTTP/1.1, printable ASCII throughout, one Host, one Content-Length of
 * digits, no other framing (section 6), and nothing that asks for more than an answer on a connection that goes on. All
 * else is `other`, be it right or wrong: one parser judges it, and there is no second opinion.
 */
export function plainHead(bytes: Buffer): HeadVerdict {
  const to = Math.min(bytes.length, PLAIN_HEAD_BYTES_MAX)
  const atTheEnd = to < PLAIN_HEAD_BYTES_MAX ? 'unfinished' : 'other'
  if (!agree(bytes, 0, to, REQUEST_START)) return 'other'
  const targetTo = skip(bytes, REQUEST_START.length, to, TARGET)
  if (!agree(bytes, targetTo, to, VERSION_AND_CRLF)) return 'other'
  const fields = new Fields()
  let at = targetTo + VERSION_AND_CRLF.length
  for (;;) {
    if (at >= to) return atTheEnd
    if (bytes[at] === CR) {
      if (at + 1 === to) return atTheEnd
      const { contentLength } = fields
      if (bytes[at + 1] !== LF || !fields.hasHost || contentLength === -1) return 'other'
      const url = bytes.toString('latin1', REQUEST_START.length - 1, targetTo)
      return { method: 'POST', url, headers: fields.headers, contentLength, headBytes: at + 2 }
    }
    const nameTo = skip(bytes, at, to, TOKEN)
    if (nameTo === to) return atTheEnd
    if (nameTo === at || bytes[nameTo] !== COLON) return 'other'
    const valueTo = skip(bytes, nameTo + 1, to, FIELD)
    if (valueTo < to && bytes[valueTo] !== CR) return 'other'
    if (valueTo + 1 >= to) return atTheEnd
    if (bytes[valueTo + 1] !== LF || !fields.take(bytes, at, nameTo, valueTo)) return 'other'
    at = valueTo + 2
  }
}

/** True where `text` stands at `from`, or as much of it as has come. */
function agree(bytes: Buffer, from: number, to: number, text: Buffer): boolean {
  const length = Math.min(text.length, to - from)
  for (let i = 0; i < length; i++) if (bytes[from + i] !== text[i]) return false
  return true
}

function skip(bytes: Buffer, from: number, to: number, characters: number): number {
  let at = from
  while (at < to && (CLASSES[bytes[at]!]! & characters) !== 0) at++
  return at
}

/** The fields that decide how a request is read and whether it comes in; each may stand there once. */
class Fields {
  #count = 0
  hasHost = false
  /** -1: not told. */
  contentLength = -1
  #contentType: string | undefined
  #authorization: string | undefined

  get headers(): PlainHead['headers'] {
    return {
      'content-length': String(this.contentLength),
      'content-type': this.#contentType,
      authorization: this.#authorization,
    }
  }

  /** A field line: its name in [from, nameTo), then a colon, its value up to `valueTo`. False: not plain. */
  take(bytes: Buffer, from: number, nameTo: number, valueTo: number): boolean {
    if (++this.#count > PLAIN_FIELDS_MAX) return false
    switch (bytes.toString('latin1', from, nameTo).toLowerCase()) {
      case 'host':
        return !this.hasHost && (this.hasHost = true)
      case 'content-length':
        return this.#takeLength(valueOf(bytes, nameTo, valueTo))
      case 'content-type':
        if (this.#contentType !== undefined) return false
        this.#contentType = valueOf(bytes, nameTo, valueTo)
        return true
      case 'authorization':
        if (this.#authorization !== undefined) return false
        this.#authorization = valueOf(bytes, nameTo, valueTo)
        return true
      case 'connection':
        return valueOf(bytes, nameTo, valueTo).toLowerCase() === 'keep-alive'
      case 'content-encoding':
      case 'expect':
      case 'proxy-connection':
      case 'transfer-encoding':
      case 'upgrade':
        return false
      default:
        return true
    }
  }

  /** `Content-Length = 1*DIGIT` (RFC 9110 section 8.6), here without leading zeros. */
  #takeLength(value: string): boolean {
    const plain =
      this.contentLength === -1 && value.length <= LENGTH_DIGITS_MAX && /^(?:0|[1-9]\d*)$/.test(value)
    if (plain) this.contentLength = Number(value)
    return plain
  }
}

function valueOf(bytes: Buffer, colon: number, valueTo: number): string {
  let from = colon + 1
  let to = valueTo
  while (from < to && isBlank(bytes[from]!)) from++
  while (to > from && isBlank(bytes[to - 1]!)) to--
  return bytes.toString('latin1', from, to)
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === HTAB
}
