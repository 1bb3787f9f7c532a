/**
 * The vocabulary of configuration schemas. A component's schema is one literal made of these keys: each is a TypeBox
 * schema of the value that code gets, with how the user writes it (`reading`), its default in the user's words and
 * its description beside it. `Resolved` is the type of what code gets: `max_bytes` becomes `maxBytes`, and a time's
 * name says its unit, `linger` becomes `lingerMs`.
 */
import { Type } from 'typebox'
import type { Static, TObject, TOptional, TProperties, TSchema, TUnsafe } from 'typebox'
import {
  formatBytes,
  formatDurationMs,
  formatPercent,
  parseBytes,
  parseDurationMs,
  parsePercent,
} from './units.ts'

/** How a scalar is written and read; `src/app/config/read-value.ts` has one function for each. */
export type Reading =
  | 'bytes'
  | 'duration'
  | 'percent'
  | 'number'
  | 'text'
  | 'flag'
  | 'choice'
  | 'path'
  | 'listen'
  | 'url'
  | 'scalar'

/** A scalar key. `expected` is what the user reads when the value is none. */
export interface Key<Value, How extends Reading = Reading> extends TUnsafe<Value> {
  readonly reading: How
  readonly description: string
  readonly expected: string
  /** As the user would write it; absent: the key is required, optional or derived. */
  readonly default?: string | number | boolean
  /** Words that stand for a value: `none` is Infinity, or null where the value is no amount; any other word itself. */
  readonly words?: readonly string[]
  /** Values that the configuration language has and this version does not. */
  readonly later?: readonly string[]
  /** How a missing value is computed from others, in words; the loader does it. */
  readonly derived?: string
  /** The texts that a choice is made from. */
  readonly enum?: readonly string[]
}

/** A key that the configuration language has and this version does not: refused wherever it is written. */
export type LaterKey = TSchema & { readonly description: string; readonly laterKey: true }

/** A map from names to components, whose keys depend on their `type`: the loader resolves it apart. */
export type ComponentsKey = TSchema & { readonly description: string; readonly componentsKey: true }

export type Group<Keys extends TProperties = TProperties> = TObject<Keys> & { readonly description: string }

/** A group whose keys are looked up by name. */
export type AnyGroup = TSchema & { readonly description: string; readonly properties: TProperties }

interface Common {
  readonly description: string
  readonly later?: readonly string[]
  readonly derived?: string
}

interface Range<Bound> extends Common {
  readonly default?: Bound
  readonly min: Bound
  readonly max: Bound
}

export function bytesKey(options: Range<string>): Key<number, 'bytes'> {
  const [minimum, maximum] = [known(parseBytes(options.min)), known(parseBytes(options.max))]
  const expected = `a size from ${formatBytes(minimum)} to ${formatBytes(maximum)}, such as 512KiB`
  return makeKey('bytes', { type: 'integer', minimum, maximum }, expected, options)
}

export function durationKey(options: Range<string>): Key<number, 'duration'> {
  const [minimum, maximum] = [known(parseDurationMs(options.min)), known(parseDurationMs(options.max))]
  const expected = `a time from ${formatDurationMs(minimum)} to ${formatDurationMs(maximum)}, such as 500ms`
  return makeKey('duration', { type: 'integer', minimum, maximum }, expected, options)
}

/** A duration that may also be `none`, which code gets as Infinity. */
export function durationOrNoneKey(options: Range<string>): Key<number, 'duration'> {
  const key = durationKey(options)
  return { ...key, expected: `${key.expected}, or none`, words: ['none'] }
}

/** A size that may also be `none`, which code gets as Infinity. */
export function bytesOrNoneKey(options: Range<string>): Key<number, 'bytes'> {
  const key = bytesKey(options)
  return { ...key, expected: `${key.expected}, or none`, words: ['none'] }
}

/** A share, which code gets as a number from 0 to 1. */
export function percentKey(options: Range<string>): Key<number, 'percent'> {
  const [minimum, maximum] = [known(parsePercent(options.min)), known(parsePercent(options.max))]
  const expected = `a share from ${formatPercent(minimum)} to ${formatPercent(maximum)}, such as 80%`
  return makeKey('percent', { type: 'number', minimum, maximum }, expected, options)
}

export function countKey(options: Range<number>): Key<number, 'number'> {
  const { min: minimum, max: maximum } = options
  const expected = minimum === maximum ? `${minimum}` : `a whole number from ${minimum} to ${maximum}`
  return makeKey('number', { type: 'integer', minimum, maximum }, expected, options)
}

/** What has an order: a number, or a text by its UTF-16 units. */
export function orderedKey(options: Common): Key<number | string, 'scalar'> {
  return makeKey('scalar', { type: ['number', 'string'] }, 'a number or a text', options)
}

/** A whole number or a word. */
export function countOrWordKey<const Word extends string>(
  word: Word,
  options: Omit<Range<number>, 'default'> & { default: number | NoInfer<Word> },
): Key<number | Word, 'number'> {
  const { min, max, ...rest } = options
  const key = countKey({ min, max, description: rest.description })
  return makeKey('number', key, `${key.expected}, or ${word}`, { ...rest, words: [word] })
}

/** A rate, which need not be whole, or `none`, which code gets as Infinity. */
export function rateOrNoneKey(options: Omit<Range<number>, 'default'>): Key<number, 'number'> {
  const { min: minimum, max: maximum } = options
  const expected = `a number from ${minimum} to ${maximum}, or none`
  return makeKey('number', { type: 'number', minimum, maximum }, expected, {
    ...options,
    default: 'none',
    words: ['none'],
  })
}

export function textKey(
  options: Common & { default?: string; expected?: string; pattern?: string; maxLength?: number },
): Key<string, 'text'> {
  const { expected = 'a text', pattern, maxLength = 4096, ...rest } = options
  const json = { type: 'string', minLength: 1, maxLength, ...(pattern === undefined ? {} : { pattern }) }
  return makeKey('text', json, expected, rest)
}

/** A text, or `none`, which code gets as null; it is the default. */
export function textOrNoneKey(
  options: Common & { expected: string; pattern: string },
): Key<string | null, 'text'> {
  const key = textKey(options)
  return { ...key, expected: `${key.expected}, or none`, default: 'none', words: ['none'] }
}

export function flagKey(options: Common & { default?: boolean }): Key<boolean, 'flag'> {
  return makeKey('flag', { type: 'boolean' }, 'true or false', options)
}

export function choiceKey<const Choice extends string>(
  choices: readonly Choice[],
  options: Common & { default?: NoInfer<Choice> },
): Key<Choice, 'choice'> {
  return makeKey('choice', { enum: [...choices] }, oneOf(choices), options)
}

/** A path, made absolute from where the configuration file is. */
export function pathKey(options: Common & { default?: string }): Key<string, 'path'> {
  return makeKey('path', { type: 'string', minLength: 1, maxLength: 4096 }, 'a path', options)
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export function listenKey(options: Common & { default?: string }): Key<ListenAddress, 'listen'> {
  const expected = 'an address and port, such as 127.0.0.1:8080 or [::1]:8080'
  return makeKey('listen', { type: 'object' }, expected, options)
}

/** An address, or `none`, which code gets as null. */
export function listenOrNoneKey(options: Common & { default?: string }): Key<ListenAddress | null, 'listen'> {
  const { expected } = listenKey(options)
  return makeKey('listen', { type: ['object', 'null'] }, `${expected}, or none`, {
    ...options,
    words: ['none'],
  })
}

/** An http or https URL without credentials in it, normalized. */
export function urlKey(options: Common): Key<string, 'url'> {
  return makeKey('url', { type: 'string' }, 'an http:// or https:// URL without credentials', options)
}

export type Scalar = string | number | boolean | null

/** Any scalar, as YAML reads it. */
export function scalarKey(options: Common): Key<Scalar, 'scalar'> {
  return makeKey('scalar', {}, 'a text, a number, true, false or null', options)
}

/** A map with these keys and no others; where it is absent, it is as if it stood there empty. */
export function group<Keys extends TProperties>(description: string, keys: Keys): Group<Keys> {
  return Object.assign(Type.Object(keys, { additionalProperties: false }), { description })
}

/** A key that may also be written as a map, for what a scalar can't say: code gets the scalar's value, or the group. */
export function orGroup<Value, How extends Reading, Keys extends TProperties>(
  key: Key<Value, How>,
  mapForm: Group<Keys>,
): Key<Value | Resolved<Group<Keys>>, How> & { readonly mapForm: Group<Keys> } {
  const expected = `${key.expected}, or a map of ${Object.keys(mapForm.properties).join(' and ')}`
  return { ...key, expected, mapForm }
}

/** A map whose keys the user chooses; `keyPattern` and `keyExpected` say which are allowed. */
export function mapOf<Item extends TSchema>(
  item: Item,
  options: { description: string; maxKeys: number; keyPattern: string; keyExpected: string },
): TUnsafe<Readonly<Record<string, Resolved<Item>>>> & { readonly mapItem: Item } {
  const { maxKeys: maxProperties, ...rest } = options
  const json = { type: 'object', maxProperties, patternProperties: { [options.keyPattern]: item } }
  return { ...Type.Unsafe<Readonly<Record<string, Resolved<Item>>>>(json), ...rest, mapItem: item }
}

export function listOf<Item extends TSchema>(
  item: Item,
  options: { description: string; minItems: number; maxItems: number; derived?: string },
): TUnsafe<readonly Resolved<Item>[]> & { readonly listItem: Item } {
  const json = { type: 'array', items: item }
  return { ...Type.Unsafe<readonly Resolved<Item>[]>(json), ...options, listItem: item }
}

/** May be absent, and is then absent in the resolved configuration too. */
export function optional<Schema extends TSchema>(schema: Schema): TOptional<Schema> {
  return { ...schema, '~optional': true }
}

export function laterKey(description: string): LaterKey {
  return { ...Type.Unknown(), description, laterKey: true }
}

export function componentsKey(description: string): ComponentsKey {
  return { ...Type.Unknown(), description, componentsKey: true }
}

/** A value that is taken from the environment or a file. */
export type Reference = `\${${string}}`

/**
 * What is written for a schema of this vocabulary by a program. All keys but `type` may be left out as far as the
 * compiler knows; the loader knows which are required.
 */
export type Written<Schema> =
  Schema extends TObject<infer Keys>
    ? Flat<
        { readonly [Name in 'type' & keyof Keys]: Keys[Name] extends Key<infer Type> ? Type : never } & {
          readonly [Name in Exclude<keyof Keys, 'type' | ApartNames<Keys>>]?: Written<Keys[Name]> | undefined
        }
      >
    : Schema extends { readonly mapItem: infer Item }
      ? Readonly<Record<string, Written<Item>>>
      : Schema extends { readonly listItem: infer Item }
        ? readonly Written<Item>[]
        : Schema extends Key<infer Value, infer How> & { readonly mapForm: infer MapForm }
          ? WrittenScalar<Extract<Value, Scalar>, How> | Reference | Written<MapForm>
          : Schema extends Key<infer Value, infer How>
            ? WrittenScalar<Value, How> | Reference
            : never

/** Sizes are numbers of bytes or such as `512KiB`, times such as `500ms`; `none` stands for no limit where it may. */
type WrittenScalar<Value, How> = How extends 'bytes'
  ? number | string
  : How extends 'duration' | 'percent' | 'text' | 'listen' | 'url' | 'path'
    ? string
    : How extends 'number'
      ? Value | 'none'
      : Value

/** What code gets for a schema of this vocabulary. */
export type Resolved<Schema> =
  Schema extends TObject<infer Keys>
    ? Flat<
        { readonly [Name in GivenNames<Keys> as ResolvedName<Name, Keys[Name]>]: Resolved<Keys[Name]> } & {
          readonly [Name in AbsentNames<Keys> as ResolvedName<Name, Keys[Name]>]?: Resolved<Keys[Name]>
        }
      >
    : Schema extends TSchema
      ? Static<Schema>
      : never

type AbsentNames<Keys> = {
  [Name in keyof Keys]: Keys[Name] extends { '~optional': true } ? Name : never
}[keyof Keys]
type ApartNames<Keys> = {
  [Name in keyof Keys]: Keys[Name] extends LaterKey | ComponentsKey ? Name : never
}[keyof Keys]
type GivenNames<Keys> = Exclude<keyof Keys, AbsentNames<Keys> | ApartNames<Keys>>

type ResolvedName<Name, Schema> = Name extends string
  ? Schema extends { reading: 'duration' }
    ? `${Camel<Name>}Ms`
    : Camel<Name>
  : never
type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name
type Flat<Type> = { [Name in keyof Type]: Type[Name] } & {}

export function isGroup(schema: TSchema): schema is AnyGroup {
  return Object.hasOwn(schema, 'properties')
}

/** The name in code of a key, as `ResolvedName` has it for the compiler. */
export function resolvedName(name: string, schema: TSchema): string {
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return (schema as Partial<Key<unknown>>).reading === 'duration' ? `${camel}Ms` : camel
}

export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`
}

function makeKey<Value, How extends Reading>(
  reading: How,
  json: TSchema,
  expected: string,
  options: Common & {
    default?: string | number | boolean
    words?: readonly string[]
    min?: unknown
    max?: unknown
  },
): Key<Value, How> {
  const { min: _min, max: _max, ...rest } = options
  return { ...Type.Unsafe<Value>(json), expected, ...rest, reading }
}

function known(amount: number | undefined): number {
  if (amount === undefined) throw new TypeError('a bound in a configuration schema is not a size or time')
  return amount
}
