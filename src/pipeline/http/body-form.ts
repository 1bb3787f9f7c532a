import type { Framing } from '../intake/stream.ts'

export type Coding = 'identity' | 'gzip' | 'zstd'

/** How a body of this Content-Type is told apart into events; what is not known is looked at by a worker. */
export function framingOf(contentType: string | undefined): Framing {
  if (contentType === undefined) return 'auto'
  const end = contentType.indexOf(';')
  const mediaType = (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
  switch (mediaType) {
    case 'application/x-ndjson':
    case 'application/ndjson':
    case 'application/jsonl':
    case 'application/jsonlines':
      return 'lines'
    case 'application/json':
      return 'documents'
    default:
      return mediaType.endsWith('+json') ? 'documents' : 'auto'
  }
}

/** One coding or none (RFC 9110 section 8.4); null: not known, or several on top of each other. */
export function codingOf(contentEncoding: string | undefined): Coding | null {
  if (contentEncoding === undefined) return 'identity'
  switch (contentEncoding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return 'identity'
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'zstd':
      return 'zstd'
    default:
      return null
  }
}
