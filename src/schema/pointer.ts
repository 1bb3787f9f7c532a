/** JSON pointers (RFC 6901): `pointer = *( "/" reference-token )`, with "~1" for "/" and "~0" for "~". */

/** The tokens of a pointer, unescaped; null when it is none. */
export function parsePointer(pointer: string): string[] | null {
  if (pointer === '') return []
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return null
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** One name as a reference token. */
export function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** What the tokens lead to in a parsed JSON document, by own properties; undefined when nowhere. */
export function follow(document: unknown, tokens: readonly string[]): unknown {
  let value = document
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) && !isArrayIndex(token)) return undefined
    if (!Object.hasOwn(value, token)) return undefined
    value = Reflect.get(value, token)
  }
  return value
}

/** `array-index = %x30 / ( %x31-39 *(%x30-39) )` */
export function isArrayIndex(token: string): boolean {
  return /^(?:0|[1-9][0-9]*)$/.test(token)
}
