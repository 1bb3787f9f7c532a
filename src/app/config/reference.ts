/** The reference of all keys in Markdown, made from the schemas, so that the docs can't differ from them. */
import type { TProperties, TSchema } from 'typebox'
import { isGroup } from '../../base/config-keys.ts'
import type { AnyGroup } from '../../base/config-keys.ts'
import { laterSinkTypes, laterSourceTypes, sinkTypes, sourceTypes } from './components.ts'
import { rootKeys, schemaKeys } from './root.ts'

interface Row {
  readonly key: string
  readonly expected: string
  readonly standard: string
  readonly description: string
}

/** Markdown: tables for the top level, schemas, what all sources and all sinks have in common, and each type of them. */
export function configReference(): string {
  const sections = [
    section('Top level', rootKeys.properties),
    section('`schemas.<name>`', schemaKeys.properties),
    ...componentSections('source', sourceTypes, laterSourceTypes),
    ...componentSections('sink', sinkTypes, laterSinkTypes),
  ]
  return `${sections.join('\n\n')}\n`
}

function componentSections(
  kind: string,
  types: Readonly<Record<string, { readonly keys: AnyGroup }>>,
  laterTypes: readonly string[],
): string[] {
  const shared = sharedKeys(types)
  const own = Object.entries(types).map(([type, { keys }]) => {
    const entries = Object.entries(keys.properties).filter(
      ([name, schema]) => shared.get(name)?.schema !== schema,
    )
    return section(`${kind} of \`type: ${type}\``, Object.fromEntries(entries))
  })
  const common = Object.fromEntries([...shared].map(([name, { schema }]) => [name, schema]))
  const note = (name: string) => {
    const having = shared.get(name)!.types
    const others = Object.keys(types).filter((type) => !having.includes(type))
    if (others.length === 0) return ''
    return others.length < having.length ? ` (not ${others.join(', ')})` : ` (only ${having.join(', ')})`
  }
  return [
    section(`Every ${kind}`, common, note),
    ...own,
    ...(laterTypes.length > 0 ? [`Types that are not in this version: ${code(laterTypes)}.`] : []),
  ]
}

/** Keys that are the same in several types, with those types; where a name has several meanings, that of most types. */
function sharedKeys(
  types: Readonly<Record<string, { readonly keys: AnyGroup }>>,
): ReadonlyMap<string, { readonly schema: TSchema; readonly types: readonly string[] }> {
  const shared = new Map<string, { readonly schema: TSchema; readonly types: readonly string[] }>()
  for (const { keys } of Object.values(types)) {
    for (const [name, schema] of Object.entries(keys.properties)) {
      const having = Object.keys(types).filter((type) => types[type]!.keys.properties[name] === schema)
      const others = shared.get(name)?.types.length ?? 1
      if (having.length > others) shared.set(name, { schema, types: having })
    }
  }
  return shared
}

/** `note`: stands behind the description of a key, and of those within it. */
function section(title: string, keys: TProperties, note: (name: string) => string = () => ''): string {
  const rows: Row[] = []
  const later: string[] = []
  for (const [name, schema] of Object.entries(keys)) collect({ [name]: schema }, '', note(name), rows, later)
  const lines = [
    `### ${title.replace(/^[a-z]/, (letter) => letter.toUpperCase())}`,
    '',
    '| key | value | default | |',
    '|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| \`${row.key}\` | ${cell(row.expected)} | ${cell(row.standard)} | ${cell(row.description)} |`,
    ),
  ]
  if (later.length > 0) lines.push('', `Not in this version: ${code(later)}.`)
  return lines.join('\n')
}

function collect(keys: TProperties, prefix: string, note: string, rows: Row[], later: string[]): void {
  for (const [name, schema] of Object.entries(keys)) {
    const key = `${prefix}${name}`
    const item = innerOf(schema)
    const { mapForm } = annotations(schema)
    if (Object.hasOwn(schema, 'laterKey')) later.push(key)
    else if (isGroup(schema)) collect(schema.properties, `${key}.`, note, rows, later)
    else if (item !== undefined && isGroup(item)) {
      rows.push(rowOf(key, schema, note))
      const within = Object.hasOwn(schema, 'listItem') ? '[]' : '.<key>'
      collect(item.properties, `${key}${within}.`, note, rows, later)
    } else rows.push(rowOf(key, schema, note))
    if (mapForm !== undefined) collect(mapForm.properties, `${key}.`, note, rows, later)
  }
}

function rowOf(key: string, schema: TSchema, note: string): Row {
  const { later, default: standard, derived, expected, description } = annotations(schema)
  const values = typeof expected === 'string' ? expected : shapeOf(schema)
  const missing = later === undefined ? '' : ` (not in this version: ${code(later)})`
  return {
    key,
    expected: `${values}${missing}`,
    standard: standard === undefined ? (derived ?? absentOf(key, schema)) : code([String(standard)]),
    description: `${description ?? ''}${note}`,
  }
}

interface Annotations {
  readonly later?: readonly string[]
  readonly default?: string | number | boolean
  readonly derived?: string
  readonly expected?: string
  readonly description?: string
  readonly mapForm?: AnyGroup
  readonly mapItem?: TSchema
  readonly listItem?: TSchema
}

function annotations(schema: TSchema): Annotations {
  return schema
}

function innerOf(schema: TSchema): TSchema | undefined {
  const { mapItem, listItem } = annotations(schema)
  return mapItem ?? listItem
}

function shapeOf(schema: TSchema): string {
  const item = innerOf(schema)
  if (item === undefined) return 'a map by name'
  const each = annotations(item).expected ?? 'the keys below'
  return Object.hasOwn(schema, 'listItem') ? `a list, each ${each}` : `a map, each value ${each}`
}

function absentOf(key: string, schema: TSchema): string {
  if (Object.hasOwn(schema, '~optional') || annotations(schema).mapItem !== undefined) return 'none'
  if (Object.hasOwn(schema, 'componentsKey')) return ''
  const parent = key.slice(0, Math.max(0, key.lastIndexOf('.')))
  return parent === '' ? 'required' : `required in ${code([parent])}`
}

function code(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
