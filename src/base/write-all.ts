import type { OpenFile } from './file-io.ts'

/** Most views that Linux takes in one `writev` (IOV_MAX). */
const VIEWS_MAX = 1024

/** Writes all of the views, one behind the other, from `position` on; goes on behind what a short write took. */
export async function writeAll(
  file: OpenFile,
  views: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let at = position
  /** First view that is not written whole, and how much of it is. */
  let first = 0
  let done = 0
  while (first < views.length) {
    const next = views.slice(first, first + VIEWS_MAX)
    if (done > 0) next[0] = next[0]!.subarray(done)
    const wanted = next.reduce((sum, { length }) => sum + length, 0)
    // oxlint-disable-next-line no-await-in-loop -- one behind the other
    const written = wanted === 0 ? 0 : await file.writev(next, at)
    if (written === 0 && wanted > 0) throw new Error('nothing was written, and no reason given')
    at += written
    done += written
    while (first < views.length && done >= views[first]!.length) done -= views[first++]!.length
  }
}
