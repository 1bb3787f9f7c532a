/* oxlint-disable no-await-in-loop -- one read after another */
/**
 * How far a file that a power failure left behind can be trusted: from where it is known to be good, whole lines, whole
 * gzip members or whole zstd frames.
 */
import { constants, crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { MIB } from '../../base/units.ts'
import { ARCHIVE_UNIT_BYTES_MAX } from '../../pipeline/limits.ts'

/** Bytes read into `into` from `position`, 0 at the end of the file. */
export type ReadAt = (into: Uint8Array, position: number) => Promise<number>

/** Length of the whole unit that `bytes` begins with; 0 where there is none. */
type UnitLength = (bytes: Buffer) => number

const LINES_READ_BYTES = MIB
const LF = 0x0a
const NUL = 0x00

/** The offset behind the last whole unit, reading on from `from`, where one begins. */
export function wholeTail(
  read: ReadAt,
  from: number,
  compression: 'none' | 'gzip' | 'zstd',
): Promise<number> {
  if (compression === 'none') return wholeLines(read, from)
  return wholeUnits(read, from, compression === 'gzip' ? gzipMemberLength : zstdFrameLength)
}

/** JSON has no NUL: from the first one on, the file system had room for bytes that never came. */
async function wholeLines(read: ReadAt, from: number): Promise<number> {
  const chunk = Buffer.allocUnsafe(LINES_READ_BYTES)
  let end = from
  for (let position = from; ;) {
    const bytes = await read(chunk, position)
    const nul = chunk.subarray(0, bytes).indexOf(NUL)
    const lineFeed = chunk.subarray(0, nul === -1 ? bytes : nul).lastIndexOf(LF)
    if (lineFeed !== -1) end = position + lineFeed + 1
    if (bytes === 0 || nul !== -1) return end
    position += bytes
  }
}

async function wholeUnits(read: ReadAt, from: number, unitLength: UnitLength): Promise<number> {
  const window = Buffer.allocUnsafe(ARCHIVE_UNIT_BYTES_MAX)
  let position = from
  for (;;) {
    const held = await fill(read, window, position)
    let used = 0
    for (let length; (length = unitLength(window.subarray(used, held))) > 0;) used += length
    if (used === 0) return position
    position += used
  }
}

async function fill(read: ReadAt, into: Buffer, position: number): Promise<number> {
  let held = 0
  while (held < into.length) {
    const bytes = await read(into.subarray(held), position + held)
    if (bytes === 0) break
    held += bytes
  }
  return held
}

/**
 * RFC 1952: header of 10 bytes (of ours without optional fields), DEFLATE stream, CRC-32 and length of the content.
 */
function gzipMemberLength(bytes: Buffer): number {
  const header = 10
  const trailer = 8
  if (bytes.length < header + trailer || bytes.readUInt32BE(0) !== 0x1f8b0800) return 0
  try {
    const { buffer, engine } = inflated(bytes.subarray(header))
    const end = header + engine.bytesWritten
    if (end + trailer > bytes.length) return 0
    const whole = bytes.readUInt32LE(end) === crc32(buffer) && bytes.readUInt32LE(end + 4) === buffer.length
    return whole ? end + trailer : 0
  } catch {
    return 0
  }
}

function inflated(bytes: Buffer): { buffer: Buffer; engine: { bytesWritten: number } } {
  const result: unknown = inflateRawSync(bytes, { info: true, maxOutputLength: 2 * ARCHIVE_UNIT_BYTES_MAX })
  // The types don't know of `info`.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return result as { buffer: Buffer; engine: { bytesWritten: number } }
}

/**
 * RFC 8878 section 3.1.1:
 *
 *     magic (4) | descriptor (1) | window (0-1) | dictionary id (0-4) | content size (0-8) | blocks | checksum (0-4)
 *     block: last : 1, type : 2, size : 21, little-endian, then `size` bytes (one byte where the type is RLE)
 */
function zstdFrameLength(bytes: Buffer): number {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== 0xfd2fb528) return 0
  const descriptor = bytes[4]!
  const singleSegment = (descriptor & 0x20) !== 0
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3]!
  let at = 5 + (singleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) return 0
    const block = bytes.readUIntLE(at, 3)
    last = (block & 1) !== 0
    at += 3 + (((block >> 1) & 3) === ZSTD_BLOCK_RLE ? 1 : block >> 3)
  }
  if ((descriptor & 0x04) !== 0) at += 4
  if (at > bytes.length) return 0
  try {
    zstdDecompressSync(bytes.subarray(0, at), {
      maxOutputLength: 2 * ARCHIVE_UNIT_BYTES_MAX,
      params: { [constants.ZSTD_d_windowLogMax]: 27 },
    })
    return at
  } catch {
    return 0
  }
}
const ZSTD_BLOCK_RLE = 1
