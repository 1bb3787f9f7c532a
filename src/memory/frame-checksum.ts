import { crc32 } from 'node:zlib'
import { HEADER, HEADER_BYTES, regionBytes } from './frame-region.ts'

/**
 * The checksum of everything behind a frame's header, in the order in which it stands in the journal: runs, table,
 * bytes. CRC-32 of zlib (RFC 1952 section 8), as a signed word.
 *
 * @param region offset of the header, which says how much there is of each.
 * @param bytesFrom offset of the frame's first byte: not behind the table while the frame lies where it was made.
 */
export function bodyChecksum(
  arena: { readonly bytes: Uint8Array; readonly words: Int32Array },
  region: number,
  bytesFrom: number,
): number {
  const { bytes, words } = arena
  const header = region >> 2
  const bodyTo = region + regionBytes(words[header + HEADER.RUNS]!, words[header + HEADER.RECORDS]!)
  const checksum = crc32(bytes.subarray(region + HEADER_BYTES, bodyTo))
  const bytesTo = bytesFrom + words[header + HEADER.BYTES]!
  return crc32(bytes.subarray(bytesFrom, bytesTo), checksum) | 0
}
