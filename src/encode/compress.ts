import assert from 'node:assert'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { KIB } from '../base/units.ts'

/**
 * The fastest levels: on security events gzip 1 is 90 MB/s at a ratio of 4.3 (level 6: 50 at 4.6), zstd 1 is 325 MB/s
 * at 5.2 (level 3: 170 at 5.2).
 */
const GZIP_LEVEL = 1
const ZSTD_LEVEL = 1
/** The codec's output grows by pieces of this size, which are joined at the end. */
const CHUNK_BYTES = 256 * KIB

/**
 * Puts one whole gzip member (RFC 1952) or zstd frame (RFC 8878) in the place of `bytes` bytes at `from`; returns its
 * length. Synchronous, because the libuv pool belongs to disks and DNS.
 *
 * The result is never longer than what it stands for by more than its header: records are JSON in valid UTF-8, so at
 * least 45 of the 256 byte values never occur (control characters, and 13 that UTF-8 has no use for).
 */
export function compress(
  arenaBytes: Uint8Array,
  from: number,
  bytes: number,
  to: number,
  compression: 'gzip' | 'zstd',
): number {
  const plain = arenaBytes.subarray(from, from + bytes)
  const packed =
    compression === 'gzip'
      ? gzipSync(plain, { level: GZIP_LEVEL, chunkSize: CHUNK_BYTES })
      : zstdCompressSync(plain, {
          chunkSize: CHUNK_BYTES,
          pledgedSrcSize: bytes,
          params: {
            [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
            [constants.ZSTD_c_checksumFlag]: 1,
            [constants.ZSTD_c_contentSizeFlag]: 1,
          },
        })
  assert(
    packed.length <= to - from,
    'a compressed batch fits where the batch did, with the headroom of a slab',
  )
  arenaBytes.set(packed, from)
  return packed.length
}
