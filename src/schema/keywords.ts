/**
 * The keywords of JSON Schema (drafts 6, 7, 2019-09 and 2020-12) that TypeBox checks, with the shape of their values,
 * and the annotations that mean nothing to a check. Whatever is not here is a configuration error.
 */

/** Where subschemas are: the value itself, a list of them, a map of them, or (`items`, `dependencies`) a mixture. */
export type KeywordShape =
  | 'schema'
  | 'schemas'
  | 'schemaMap'
  | 'schemaOrSchemas'
  | 'dependencies'
  | 'string'
  | 'number'
  | 'positive'
  | 'count'
  | 'boolean'
  | 'names'
  | 'namesMap'
  | 'types'
  | 'values'
  | 'any'

/** Every keyword that is checked. A map, so that `toString` is none. */
export const KEYWORDS: ReadonlyMap<string, KeywordShape> = new Map([
  ['$schema', 'string'],
  ['$id', 'string'],
  ['$anchor', 'string'],
  ['$dynamicAnchor', 'string'],
  ['$recursiveAnchor', 'boolean'],
  ['$ref', 'string'],
  ['$dynamicRef', 'string'],
  ['$recursiveRef', 'string'],
  ['$defs', 'schemaMap'],
  ['definitions', 'schemaMap'],
  ['type', 'types'],
  ['const', 'any'],
  ['enum', 'values'],
  ['properties', 'schemaMap'],
  ['patternProperties', 'schemaMap'],
  ['additionalProperties', 'schema'],
  ['propertyNames', 'schema'],
  ['required', 'names'],
  ['minProperties', 'count'],
  ['maxProperties', 'count'],
  ['dependencies', 'dependencies'],
  ['dependentRequired', 'namesMap'],
  ['dependentSchemas', 'schemaMap'],
  ['unevaluatedProperties', 'schema'],
  ['items', 'schemaOrSchemas'],
  ['prefixItems', 'schemas'],
  ['additionalItems', 'schema'],
  ['unevaluatedItems', 'schema'],
  ['contains', 'schema'],
  ['minContains', 'count'],
  ['maxContains', 'count'],
  ['minItems', 'count'],
  ['maxItems', 'count'],
  ['uniqueItems', 'boolean'],
  ['minLength', 'count'],
  ['maxLength', 'count'],
  ['pattern', 'string'],
  ['format', 'string'],
  ['minimum', 'number'],
  ['maximum', 'number'],
  ['exclusiveMinimum', 'number'],
  ['exclusiveMaximum', 'number'],
  ['multipleOf', 'positive'],
  ['allOf', 'schemas'],
  ['anyOf', 'schemas'],
  ['oneOf', 'schemas'],
  ['not', 'schema'],
  ['if', 'schema'],
  ['then', 'schema'],
  ['else', 'schema'],
])

/** Keywords that only describe; `x-*` are such too. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
  'contentEncoding',
  'contentMediaType',
])

export function isAnnotation(keyword: string): boolean {
  return ANNOTATIONS.has(keyword) || keyword.startsWith('x-')
}

/** Calls `visit` with every subschema directly under `schema`, and its way from there as reference tokens. */
export function eachSubschema(
  schema: Readonly<Record<string, unknown>>,
  visit: (subschema: unknown, tokens: readonly string[]) => void,
): void {
  for (const [keyword, value] of Object.entries(schema)) {
    const shape = KEYWORDS.get(keyword)
    if (shape === 'schema' || (shape === 'schemaOrSchemas' && !Array.isArray(value))) visit(value, [keyword])
    else if (shape === 'schemas' || shape === 'schemaOrSchemas') {
      if (Array.isArray(value)) value.forEach((inner, index) => visit(inner, [keyword, String(index)]))
    } else if ((shape === 'schemaMap' || shape === 'dependencies') && isObject(value)) {
      for (const [name, inner] of Object.entries(value)) {
        if (!Array.isArray(inner)) visit(inner, [keyword, name])
      }
    }
  }
}

export function isSchema(value: unknown): value is Record<string, unknown> | boolean {
  return isObject(value) || typeof value === 'boolean'
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
