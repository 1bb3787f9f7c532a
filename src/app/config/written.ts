/** The configuration as a program writes it: the shape of the YAML file, made from the same schemas. */
import type { TSchema } from 'typebox'
import type { Written } from '../../base/config-keys.ts'
import type { sinkTypes, sourceTypes } from './components.ts'
import type { rootKeys, schemaKeys } from './root.ts'

type OneOf<Types extends Readonly<Record<string, { readonly keys: TSchema }>>> = {
  [Type in keyof Types]: Written<Types[Type]['keys']>
}[keyof Types]

/** A source, by its `type`: `embedded` (only `enqueue`), `http`, `tcp`, `stdin`, ... */
export type SourceSettings = OneOf<typeof sourceTypes>

/** A sink, by its `type`: `http`, `file`, `stdout`, `blackhole`. */
export type SinkSettings = OneOf<typeof sinkTypes>

/** A JSON Schema of your own: `file`, and where in an event its severity and time stand. */
export type SchemaSettings = Written<typeof schemaKeys>

/**
 * A configuration: what the YAML file holds, with the same keys, defaults and checks (the README has the reference).
 * Sizes are numbers of bytes or texts such as `512KiB`, times are texts such as `2s`. As in the file, `${NAME}` in a text
 * is a variable of the environment and `${file:/path}` the content of a file, and `$$` is a dollar sign. Relative paths
 * start at the working directory. A key that is `undefined` is as if it weren't there.
 */
export interface CollectorConfig extends Written<typeof rootKeys> {
  readonly sources: Readonly<Record<string, SourceSettings>>
  readonly sinks: Readonly<Record<string, SinkSettings>>
  readonly schemas?: Readonly<Record<string, SchemaSettings>> | undefined
}
