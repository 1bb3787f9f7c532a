/** The schemas that sources name: the built-in ones, and the user's own from their files. */
import { parse } from 'yaml'
import { SpillwayError } from '../../base/errors.ts'
import { MIB } from '../../base/units.ts'
import { builtinSpecs } from '../../schema/builtin.ts'
import type { SchemaSpec } from '../../schema/spec.ts'
import { loadUserSpec } from '../../schema/user.ts'
import type { Resolved } from '../../base/config-keys.ts'
import type { Surroundings } from './interpolate.ts'
import { shortReasonOf } from './interpolate.ts'
import type { schemaKeys } from './root.ts'

export const SCHEMA_FILE_BYTES_MAX = MIB

/** How often aliases of a schema written in YAML may be expanded. */
const ALIASES_MAX = 100

export const builtinSchemas: Readonly<Record<string, SchemaSpec>> = builtinSpecs

/** The spec of one entry of `schemas`; a reason where its file is none. */
export function loadSchemaFile(
  name: string,
  config: Resolved<typeof schemaKeys>,
  surroundings: Surroundings,
): SchemaSpec | { readonly reason: string } {
  const { file, ...options } = config
  try {
    const text = surroundings.readText(file, SCHEMA_FILE_BYTES_MAX)
    const document: unknown = /\.ya?ml$/i.test(file)
      ? parse(text, { maxAliasCount: ALIASES_MAX, prettyErrors: false, logLevel: 'error' })
      : JSON.parse(text)
    return loadUserSpec(name, document, options)
  } catch (error) {
    return { reason: error instanceof SpillwayError ? error.message : shortReasonOf(error) }
  }
}
