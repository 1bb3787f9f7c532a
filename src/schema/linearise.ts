import { Validator } from 'typebox/schema'
import { isObject, isSchema, KEYWORDS } from './keywords.ts'
import { LinearPattern } from './linear-pattern.ts'
import { escapeToken } from './pointer.ts'

const ROOT_URI = 'urn:spillway:schema'

type Context = Record<string, object | boolean>

/**
 * A copy of the schema that runs no user's pattern in RegExp: each `pattern` becomes a LinearPattern, and
 * `patternProperties`, whose keys TypeBox would compile, a refinement together with the `additionalProperties`
 * beside it.
 *
 * @throws Error when a pattern needs backtracking.
 */
export function linearise(schema: unknown): object | boolean {
  // Refinements need the root that they are part of, so it is known to them before it is filled.
  const context: Context = {}
  const root = copy(schema, [], context)
  if (!isSchema(root)) throw new TypeError('a schema is an object or a boolean')
  context[ROOT_URI] = root
  return root
}

/** `way`: the reference tokens from the root to `node`. */
function copy(node: unknown, way: readonly string[], context: Context): unknown {
  if (!isObject(node)) return node
  const out: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(node)) {
    set(out, keyword, copyValue(keyword, value, [...way, keyword], context))
  }
  refinePatternProperties(out, way, context)
  return out
}

function copyValue(keyword: string, value: unknown, way: readonly string[], context: Context): unknown {
  switch (KEYWORDS.get(keyword)) {
    case 'schema':
    case 'schemas':
    case 'schemaOrSchemas':
      return Array.isArray(value)
        ? value.map((inner, index) => copy(inner, [...way, String(index)], context))
        : copy(value, way, context)
    case 'schemaMap':
    case 'dependencies': {
      if (!isObject(value)) return value
      const out: Record<string, unknown> = {}
      for (const [name, inner] of Object.entries(value)) set(out, name, copy(inner, [...way, name], context))
      return out
    }
    default:
      return keyword === 'pattern' && typeof value === 'string' ? new LinearPattern(value) : value
  }
}

/**
 * Takes `patternProperties` and `additionalProperties` of `schema` over. They stay in it for references, in forms that
 * TypeBox takes for no keywords: a map with an entry that is no schema, and another name.
 */
function refinePatternProperties(
  schema: Record<string, unknown>,
  way: readonly string[],
  context: Context,
): void {
  const patterns = schema.patternProperties
  if (!isObject(patterns)) return
  const checks = Object.entries(patterns).map(([pattern, subschema]) => ({
    pattern: new LinearPattern(pattern),
    check: lazyCheck(subschema, [...way, 'patternProperties', pattern], context),
  }))
  const named = new Set(isObject(schema.properties) ? Object.keys(schema.properties) : [])
  const others = lazyCheck(schema.additionalProperties ?? true, [...way, '~additionalProperties'], context)
  set(patterns, '~taken', 0)
  if ('additionalProperties' in schema) {
    schema['~additionalProperties'] = schema.additionalProperties
    delete schema.additionalProperties
  }
  const holds = (value: unknown): boolean => {
    if (!isObject(value)) return true
    return Object.keys(value).every((name) => {
      const matching = checks.filter(({ pattern }) => pattern.test(name))
      if (matching.length === 0 && !named.has(name) && !others(value[name])) return false
      return matching.every(({ check }) => check(value[name]))
    })
  }
  schema['~refine'] = [{ check: holds, error: () => 'must match patternProperties and additionalProperties' }]
}

/** Compiled when first used: TypeBox's compiler is not re-entrant, and the root is not whole yet. */
function lazyCheck(
  subschema: unknown,
  way: readonly string[],
  context: Context,
): (value: unknown) => boolean {
  if (typeof subschema === 'boolean') return () => subschema
  let validator: Validator<object> | undefined
  return (value) => {
    const pointer = way.map((token) => `/${encodeURIComponent(escapeToken(token))}`).join('')
    validator ??= new Validator(context, { $ref: `${ROOT_URI}#${pointer}` })
    return validator.Check(value)
  }
}

/** Also where the name is `__proto__`. */
function set(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
}
