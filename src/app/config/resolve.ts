/**
 * Walks a schema and what the user wrote side by side, and makes two trees at once: the values that code gets, under
 * the names that code uses, and what may be shown, under the user's names, defaults filled in and secrets left out.
 */
import type { TSchema } from 'typebox'
import { isGroup, oneOf, resolvedName } from '../../base/config-keys.ts'
import type { AnyGroup, Key } from '../../base/config-keys.ts'
import { nearestWord } from '../../base/nearest.ts'
import type { Path, Position, ProblemList } from './problems.ts'
import { isSecretPath, readValue, REDACTED, showValue } from './read-value.ts'
import type { ConfigNode, MapNode } from './tree.ts'

export interface Resolution {
  readonly value: unknown
  readonly shown: unknown
}

/** A map of the configuration under the names that the user gave its keys. */
export type ShownMap = Record<string, unknown>

interface MapSchema {
  readonly mapItem: TSchema
  readonly keyPattern: string
  readonly keyExpected: string
  readonly maxKeys: number
}

interface ListSchema {
  readonly listItem: TSchema
  readonly minItems: number
  readonly maxItems: number
}

export class Resolver {
  /** Values that are missing or wrong so far; a key too many is a problem, but no failure to resolve the others. */
  failureCount = 0
  readonly #problems: ProblemList
  readonly #baseDir: string

  constructor(problems: ProblemList, baseDir: string) {
    this.#problems = problems
    this.#baseDir = baseDir
  }

  /** Resolves a group; a key that is wrong is reported and left out. `parent` is where the group is missing. */
  group(
    schema: AnyGroup,
    node: ConfigNode | undefined,
    path: Path,
    parent: Position,
  ): Resolution | undefined {
    if (node !== undefined && node.kind !== 'map') return this.#invalid(node, path, 'a map')
    if (node !== undefined) this.#refuseKeys(schema, node, path)
    const values: [string, unknown][] = []
    const shown: [string, unknown][] = []
    for (const [name, keySchema] of Object.entries(schema.properties)) {
      if (has(keySchema, 'laterKey') || has(keySchema, 'componentsKey')) continue
      const child = node?.entries.get(name)?.node
      const resolution = this.#key(keySchema, child, [...path, name], node ?? parent)
      if (resolution === undefined) continue
      values.push([resolvedName(name, keySchema), resolution.value])
      shown.push([name, resolution.shown])
    }
    return { value: Object.fromEntries(values), shown: Object.fromEntries(shown) }
  }

  #refuseKeys(schema: AnyGroup, node: MapNode, path: Path): void {
    const known = Object.keys(schema.properties).filter((name) => !has(schema.properties[name]!, 'laterKey'))
    for (const [name, { keyPosition }] of node.entries) {
      const keySchema = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
      if (keySchema === undefined) {
        const nearest = nearestWord(name, known)
        const expected = `one of the keys ${known.join(', ')}`
        this.#problems.add('unknown_key', keyPosition, [...path, name], expected, 'an unknown key', nearest)
      } else if (has(keySchema, 'laterKey')) {
        this.#problems.add('not_in_this_version', keyPosition, [...path, name], '', 'the key')
      }
    }
  }

  #key(schema: TSchema, node: ConfigNode | undefined, path: Path, parent: Position): Resolution | undefined {
    const absent = node === undefined
    if (absent && (has(schema, '~optional') || has(schema, 'derived'))) return undefined
    if (isGroup(schema)) return this.group(schema, node, path, parent)
    if (hasMapForm(schema) && node?.kind === 'map') return this.group(schema.mapForm, node, path, parent)
    if (isMapSchema(schema)) return absent ? { value: {}, shown: {} } : this.#map(schema, node, path)
    if (isListSchema(schema)) return this.#list(schema, node, path, parent)
    if (!isKey(schema)) throw new TypeError(`no key of the configuration vocabulary: ${path.join('.')}`)
    return absent ? this.#default(schema, path, parent) : this.#scalar(schema, node, path)
  }

  #default(key: Key<unknown>, path: Path, parent: Position): Resolution | undefined {
    if (key.default === undefined) {
      return this.#fail('missing', parent, path, key.expected, 'nothing')
    }
    const value = readValue(key, { value: key.default, secret: false }, this.#baseDir)
    return { value, shown: showValue(key, value, false) }
  }

  #scalar(key: Key<unknown>, node: ConfigNode, path: Path): Resolution | undefined {
    if (node.kind !== 'scalar') return this.#invalid(node, path, key.expected)
    const { value: written } = node
    const secret = node.secret || isSecretPath(path)
    if (written === undefined) return this.#unresolved()
    if (key.later?.includes(String(written))) {
      return this.#fail('not_in_this_version', node, path, key.expected, String(written))
    }
    const value = readValue(key, { value: written, secret: node.secret }, this.#baseDir)
    if (value !== undefined) return { value, shown: showValue(key, value, secret) }
    const words = [...(key.enum ?? []), ...(key.words ?? [])]
    const nearest = typeof written === 'string' && !secret ? nearestWord(written, words) : undefined
    const found = key.reading === 'url' ? describeUrl(node, path) : describe(node, path)
    return this.#fail('invalid', node, path, key.expected, found, nearest)
  }

  #map(schema: MapSchema, node: ConfigNode, path: Path): Resolution | undefined {
    if (node.kind !== 'map') return this.#invalid(node, path, 'a map')
    if (node.entries.size > schema.maxKeys) {
      return this.#fail('invalid', node, path, `at most ${schema.maxKeys} keys`, `${node.entries.size}`)
    }
    const values: [string, unknown][] = []
    const shown: [string, unknown][] = []
    for (const [name, entry] of node.entries) {
      const itemPath = [...path, name]
      if (!new RegExp(schema.keyPattern, 's').test(name)) {
        this.#fail('invalid', entry.keyPosition, itemPath, schema.keyExpected, JSON.stringify(name))
        continue
      }
      const resolution = this.#key(schema.mapItem, entry.node, itemPath, entry.keyPosition)
      if (resolution === undefined) continue
      values.push([name, resolution.value])
      shown.push([name, resolution.shown])
    }
    return { value: Object.fromEntries(values), shown: Object.fromEntries(shown) }
  }

  #list(
    { minItems, maxItems, listItem }: ListSchema,
    node: ConfigNode | undefined,
    path: Path,
    parent: Position,
  ): Resolution | undefined {
    const expected = `a list of ${minItems} to ${maxItems} values`
    if (node === undefined) return this.#fail('missing', parent, path, expected, 'nothing')
    if (node.kind !== 'list') return this.#invalid(node, path, 'a list')
    const count = node.items.length
    if (count < minItems || count > maxItems) return this.#fail('invalid', node, path, expected, `${count}`)
    const items = node.items.map((item, index) => this.#key(listItem, item, [...path, index], node))
    const resolved = items.filter((item) => item !== undefined)
    // Where one is missing, the others have lost their places.
    if (resolved.length < count) return undefined
    return { value: resolved.map((item) => item.value), shown: resolved.map((item) => item.shown) }
  }

  #invalid(node: ConfigNode, path: Path, expected: string): undefined {
    if (node.kind === 'scalar' && node.value === undefined) return this.#unresolved()
    return this.#fail('invalid', node, path, expected, describe(node, path))
  }

  /** A reference without a value: the tree has reported it. */
  #unresolved(): undefined {
    this.failureCount++
  }

  #fail(...problem: Parameters<ProblemList['add']>): undefined {
    this.failureCount++
    this.#problems.add(...problem)
  }
}

const FOUND_CHARACTERS_MAX = 80

/** What stands in the file, for an error message. */
export function describe(node: ConfigNode, path: Path): string {
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a map' : 'a list'
  if (node.secret || isSecretPath(path)) return REDACTED
  if (node.value === null || node.value === undefined) return 'nothing'
  const text = JSON.stringify(node.value)
  return text.length > FOUND_CHARACTERS_MAX ? `${text.slice(0, FOUND_CHARACTERS_MAX)}...` : text
}

/** A URL that is wrong may be so for its password. */
function describeUrl(node: ConfigNode, path: Path): string {
  return describe(node, path)
    .replace(/\/\/[^/]*@/, `//${REDACTED}@`)
    .replace(/\?[^"]*/, `?${REDACTED}`)
}

/** The types of components by their names, for the key `type`: an entry's schema, or undefined with the problem said. */
export function pickType<Type>(
  types: Readonly<Record<string, Type>>,
  laterTypes: readonly string[],
  node: MapNode,
  path: Path,
  problems: ProblemList,
): Type | undefined {
  const expected = oneOf(Object.keys(types))
  const written = node.entries.get('type')?.node
  const typePath = [...path, 'type']
  if (written === undefined) {
    problems.add('missing', node, typePath, expected, 'nothing')
    return undefined
  }
  const name = written.kind === 'scalar' && typeof written.value === 'string' ? written.value : ''
  if (Object.hasOwn(types, name)) return types[name]
  if (laterTypes.includes(name)) problems.add('not_in_this_version', written, typePath, expected, name)
  else
    problems.add(
      'invalid',
      written,
      typePath,
      expected,
      describe(written, typePath),
      nearestWord(name, Object.keys(types)),
    )
  return undefined
}

function has(schema: TSchema, property: string): boolean {
  return Object.hasOwn(schema, property)
}

function isMapSchema(schema: TSchema): schema is TSchema & MapSchema {
  return has(schema, 'mapItem')
}

function isListSchema(schema: TSchema): schema is TSchema & ListSchema {
  return has(schema, 'listItem')
}

function hasMapForm(schema: TSchema): schema is TSchema & { readonly mapForm: AnyGroup } {
  return has(schema, 'mapForm')
}

function isKey(schema: TSchema): schema is Key<unknown> {
  return has(schema, 'reading')
}
