/** Streams of bytes with what must become of them, made from a seed. */
import type { Framing } from '../../../src/pipeline/intake/stream.ts'

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'

/** Bytes are Latin-1 characters. */
export interface MadeStream {
  readonly framing: Framing
  readonly bytes: string
  /** The stream ends as it should; else it is broken off. */
  readonly clean: boolean
  readonly accepted: readonly string[]
  /** [category, record or its beginning]. */
  readonly rejected: readonly (readonly [string, string])[]
}

export interface Sizes {
  readonly records: number
  readonly maxRecordBytes: number
  /** From 0 to 1: how many are long, tiny, bad. */
  readonly long: number
  readonly tiny: number
  readonly bad: number
}

export function madeStream(random: () => number, sizes: Sizes): MadeStream {
  const below = (n: number) => Math.floor(random() * n)
  const kind = below(4)
  if (kind < 2) return madeLines(random, sizes, kind === 0 ? 'lines' : 'auto')
  return madeDocuments(random, sizes, kind === 2 ? 'documents' : 'auto')
}

function madeRecord(random: () => number, { long, tiny, maxRecordBytes }: Sizes, n: number): string {
  const dice = random()
  if (dice < tiny) return '{}'
  const padding =
    dice < tiny + long ? Math.floor(random() * (maxRecordBytes - 64)) : Math.floor(random() * 300)
  return `{"n":${n},"pad":"${'x'.repeat(padding)}"}`
}

/** Lines of an AUTO stream: the first must be a complete JSON value, and nothing may be broken off. */
export function madeLines(random: () => number, sizes: Sizes, framing: 'lines' | 'auto'): MadeStream {
  const below = (n: number) => Math.floor(random() * n)
  const accepted: string[] = []
  const rejected: [string, string][] = []
  let bytes = below(5) === 0 ? BYTE_ORDER_MARK : ''
  const count = below(sizes.records)
  for (let n = 0; n < count; n++) {
    const lineEnd = below(3) === 0 ? '\r\n' : '\n'
    if (n > 0 && below(10) === 0) bytes += [' \n', '\n', '\r\n', '  \t\n'][below(4)]!
    if (n > 0 && random() < sizes.bad) {
      const [category, record] = badRecord(random, sizes, n)
      rejected.push([category, record])
      // The length told of a line that is too long counts the CR.
      bytes += record + (category === 'oversize_record' ? '\n' : lineEnd)
    } else {
      const record = madeRecord(random, sizes, n)
      accepted.push(record)
      bytes += record + lineEnd
    }
  }
  const clean = framing === 'auto' || below(2) === 0
  if (count > 0 && below(3) === 0) {
    // The last line has no end.
    const record = below(2) === 0 ? '{"last":true}' : `{"last":"${'y'.repeat(below(10_000))}"}`
    if (clean) accepted.push(record)
    else rejected.push(['bad_framing', record])
    bytes += record
  }
  return { framing, bytes, clean, accepted, rejected }
}

function badRecord(random: () => number, { maxRecordBytes }: Sizes, n: number): [string, string] {
  switch (Math.floor(random() * 4)) {
    case 0:
      return ['malformed_json', `{"n":${n}`]
    case 1:
      return ['schema_violation', `[${n}]`]
    case 2:
      return ['malformed_json', `nothing ${n}`]
    default: {
      if (random() > 0.02) return ['schema_violation', '1']
      const length = maxRecordBytes + 1 + Math.floor(random() * 3 * maxRecordBytes)
      return ['oversize_record', `{"n":${n},"pad":"${'z'.repeat(length - 14)}"}`]
    }
  }
}

/** Documents, arrays and envelopes, with the blanks that may stand around them. */
export function madeDocuments(random: () => number, sizes: Sizes, framing: 'documents' | 'auto'): MadeStream {
  const below = (n: number) => Math.floor(random() * n)
  const accepted: string[] = []
  const rejected: [string, string][] = []
  const blank = () => ['', ' ', '\n', '\n  '][below(4)]!
  const record = (n: number): string => {
    if (n > 0 && random() < sizes.bad) {
      rejected.push(['schema_violation', String(n)])
      return String(n)
    }
    const made = madeRecord(random, sizes, n)
    accepted.push(made)
    return made
  }
  const list = (first: number, count: number) =>
    `[${Array.from({ length: count }, (_, i) => blank() + record(first + i) + blank()).join(',')}]`
  // An AUTO stream whose first line is no complete value.
  let bytes = framing === 'auto' ? '[\n{}]' : ''
  if (framing === 'auto') accepted.push('{}')
  const count = below(sizes.records)
  for (let n = 0; n < count;) {
    const size = below(40)
    switch (below(3)) {
      case 0:
        bytes += blank() + list(n, size)
        break
      case 1:
        bytes += `${blank()}{"logs":${list(n, size)}}`
        break
      default:
        for (let i = 0; i < size; i++) bytes += `${record(n + i)}\n`
    }
    bytes += '\n'
    n += size + 1
  }
  const clean = below(3) > 0
  return { framing, bytes, clean, accepted, rejected }
}
