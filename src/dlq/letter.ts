import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'

const count = Type.Integer({ minimum: 0 })
const text = Type.String()

/**
 * A dead letter as its line has it (README.md tells what each field is). What is not asked for here may have any shape: an
 * older or newer version wrote it.
 */
export const letterSchema = Type.Object({
  source: text,
  peer: Type.Optional(text),
  received_at: text,
  category: text,
  path: Type.Optional(text),
  expected: Type.Optional(text),
  schema: Type.Optional(text),
  schema_version: Type.Optional(text),
  record: Type.Optional(text),
  record_base64: Type.Optional(text),
  truncated: Type.Optional(Type.Boolean()),
  length: Type.Optional(count),
  sink: Type.Optional(text),
  attempts: Type.Optional(count),
  status: Type.Optional(count),
  reason: Type.Optional(text),
  history: Type.Optional(
    Type.Array(
      Type.Object({
        at: text,
        status: Type.Optional(count),
        category: Type.Optional(text),
        reason: Type.Optional(text),
        count: Type.Optional(count),
      }),
    ),
  ),
})

export type Letter = Static<typeof letterSchema>

const letterCheck = Compile(letterSchema)

/** Null where a line is no letter: damaged, or written by something else. */
export function parseLetter(line: string): Letter | null {
  try {
    const letter: unknown = JSON.parse(line)
    return letterCheck.Check(letter) ? letter : null
  } catch {
    return null
  }
}

const RECORD = Buffer.from(',"record":"')
/** What may stand behind the record. Within it, or any other string, a quotation mark has a backslash before it. */
const BEHIND = [Buffer.from('","truncated":'), Buffer.from('","sink":"')]
const END = Buffer.from('"}')

/** As `parseLetter`, in a third of the time: the letter without its record, which is not looked at. */
export function parseLetterHead(line: Buffer): Letter | null {
  const from = line.indexOf(RECORD)
  if (from < 0) return parseLetter(line.toString())
  const textFrom = from + RECORD.length
  let to = -1
  for (const behind of BEHIND) if (to < 0) to = line.indexOf(behind, textFrom)
  if (to < 0) to = line.subarray(-END.length).equals(END) ? line.length - END.length : -1
  if (to < textFrom) return null
  return parseLetter(line.toString('utf8', 0, from) + line.toString('utf8', to + 1))
}

/** The record's bytes: whole, or the beginning of them where the letter is `truncated`; null where it holds none. */
export function recordOf({ record, record_base64: base64 }: Letter): Buffer | null {
  if (record !== undefined) return Buffer.from(record)
  return base64 === undefined ? null : Buffer.from(base64, 'base64')
}
