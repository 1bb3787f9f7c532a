import { growthBytesMax, overheadBytes } from '../../../../src/pipeline/dispatch/payload-builder.ts'
import type { PayloadForm } from '../../../../src/pipeline/dispatch/payload-builder.ts'

/** Most bytes that one event goes out as: with a line feed or brackets around it, and its id. */
export function sentBytesMax(recordBytes: number, form: PayloadForm): number {
  const bytes = recordBytes + 2 + overheadBytes(form)
  return bytes + growthBytesMax(bytes, form.compression)
}
