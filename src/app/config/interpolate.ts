/** `${ENV}` and `${file:/path}` in scalars; `$$` is a dollar sign. */
import { resolve } from 'node:path'
import { reasonOf } from '../../base/errors.ts'
import { KIB } from '../../base/units.ts'

/** What the surroundings provide; parameters, so that tests need neither files nor an environment of their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
  /** The text of a file of at most so many bytes, as UTF-8; throws where it can't be had. */
  readText(path: string, maxBytes: number): string
}

const SECRET_FILE_BYTES_MAX = 64 * KIB

export type Interpolated = { readonly text: string; readonly secret: boolean } | { readonly reason: string }

/** The text with its references replaced; `secret` says whether there were any, `reason` why one has no value. */
export function interpolate(text: string, surroundings: Surroundings): Interpolated {
  let reason: string | undefined
  let secret = false
  const replaced = text.replace(
    /\$(?:\$|\{([^}]*)(\})?)/g,
    (whole, name: string | undefined, closed?: string) => {
      if (name === undefined) return '$'
      secret = true
      const value = closed === undefined ? { reason: `${whole} without its }` } : valueOf(name, surroundings)
      if ('text' in value) return value.text
      reason ??= value.reason
      return ''
    },
  )
  return reason === undefined ? { text: replaced, secret } : { reason }
}

function valueOf(name: string, surroundings: Surroundings): { text: string } | { reason: string } {
  if (name.startsWith('file:')) return contentOf(name.slice('file:'.length), surroundings)
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return { reason: `\${${name}}, which is no name of a variable` }
  const text = Object.hasOwn(surroundings.env, name) ? surroundings.env[name] : undefined
  return text === undefined ? { reason: `\${${name}}, which is not set` } : { text }
}

function contentOf(path: string, surroundings: Surroundings): { text: string } | { reason: string } {
  try {
    const text = surroundings.readText(resolve(surroundings.baseDir, path), SECRET_FILE_BYTES_MAX)
    return { text: text.replace(/\r?\n$/, '') }
  } catch (error) {
    return { reason: `\${file:${path}}, which can't be read (${shortReasonOf(error)})` }
  }
}

/** The short reason of a failed file operation: no stack, no secret. */
export function shortReasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : reasonOf(error)
}
