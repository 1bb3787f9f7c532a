/**
 * `data_dir/limits.json`: how many bytes of a day may have been sent, by sink and key.
 *
 *     {"version":1,"day":20779,"sinks":{"siem":{"":1048576},"archive":{"tenant a":262144}}}
 *
 * `day` counts days of UTC since 1970. The file is replaced as a whole: written beside, synced, renamed.
 */
import { dirname } from 'node:path'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { reasonOf, spwError } from '../../../base/errors.ts'
import type { FileIo } from '../../../base/file-io.ts'
import { readWhole, replaceWhole } from '../../../base/small-file.ts'

const VERSION = 1

/** Bytes by sink and key. */
export type QuotaShares = Readonly<Record<string, Readonly<Record<string, number>>>>

export interface QuotaDay {
  readonly day: number
  readonly sinks: QuotaShares
}

const Contents = Type.Object({
  version: Type.Literal(VERSION),
  day: Type.Integer({ minimum: 0 }),
  sinks: Type.Record(Type.String(), Type.Record(Type.String(), Type.Number({ minimum: 0 }))),
})

/** Null where there is none. Throws SPW_ERR_LIMITS_UNUSABLE: without it nobody knows what was sent today. */
export async function readQuotaDay(path: string, io: FileIo): Promise<QuotaDay | null> {
  let bytes: Buffer
  try {
    const found = await readWhole(path, io)
    if (found === null) return null
    bytes = found
  } catch (error) {
    throw spwError('SPW_ERR_LIMITS_UNUSABLE', { path, reason: reasonOf(error) })
  }
  let contents: unknown
  try {
    contents = JSON.parse(bytes.toString())
  } catch {
    throw spwError('SPW_ERR_LIMITS_UNUSABLE', { path, reason: 'it is no JSON' })
  }
  if (!Check(Contents, contents)) {
    throw spwError('SPW_ERR_LIMITS_UNUSABLE', { path, reason: 'it is not of the format that is known here' })
  }
  return contents
}

/** Throws what the file system says. */
export async function writeQuotaDay(path: string, { day, sinks }: QuotaDay, io: FileIo): Promise<void> {
  await io.makeDirectory(dirname(path))
  await replaceWhole(path, Buffer.from(JSON.stringify({ version: VERSION, day, sinks })), io)
}
