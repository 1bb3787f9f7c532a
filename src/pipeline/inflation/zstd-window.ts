import { KIB, MIB } from '../../base/units.ts'

/** Largest window that a decoder of HTTP content must take, and all that we take (RFC 9659). */
export const ZSTD_WINDOW_BYTES_MAX = 8 * MIB
const WINDOW_BYTES_MIN = KIB
const MAGIC = 0xfd2fb528
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]

/**
 * Bytes of window that the frame at the start of `bytes` needs; the largest that we take where it is more, or can't be
 * known from these bytes.
 *
 *     Magic_Number 4 | Frame_Header_Descriptor 1 | [Window_Descriptor 1] | [Dictionary_ID 0-4] | [Frame_Content_Size 0-8]
 *
 * (RFC 8878 section 3.1.1.) A single segment has no Window_Descriptor: its window is its content.
 */
export function zstdWindowBytes(bytes: Buffer): number {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== MAGIC) return ZSTD_WINDOW_BYTES_MAX
  const descriptor = bytes[4]!
  const singleSegment = (descriptor & 0x20) !== 0
  const windowBytes = singleSegment ? contentSize(bytes, descriptor) : windowSize(bytes[5]!)
  return Math.min(Math.max(windowBytes, WINDOW_BYTES_MIN), ZSTD_WINDOW_BYTES_MAX)
}

/** Window_Descriptor: Exponent : 5 | Mantissa : 3. */
function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function contentSize(bytes: Buffer, descriptor: number): number {
  const flag = descriptor >> 6
  // A single segment always has a size: of one byte where the flag is 0.
  const sizeBytes = flag === 0 ? 1 : CONTENT_SIZE_BYTES[flag]!
  const at = 5 + DICTIONARY_ID_BYTES[descriptor & 3]!
  if (bytes.length < at + sizeBytes) return ZSTD_WINDOW_BYTES_MAX
  switch (sizeBytes) {
    case 1:
      return bytes[at]!
    case 2:
      return bytes.readUInt16LE(at) + 256
    case 4:
      return bytes.readUInt32LE(at)
    default:
      return Number(bytes.readBigUInt64LE(at))
  }
}
