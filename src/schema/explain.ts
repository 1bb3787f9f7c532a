import type { TLocalizedValidationError } from 'typebox/error'
import { escapeToken } from './pointer.ts'

/** Where a record breaks its schema, and what was expected there. */
export interface Explanation {
  /** JSON pointer into the record, at most `TEXT_CHARS` long. */
  path: string
  expected: string
}

const TEXT_CHARS = 256

/** The one error to show of those that TypeBox found: a failing branch of a union is told as the union's failure. */
export function firstError(errors: readonly TLocalizedValidationError[]): Explanation {
  const error = errors.find(({ schemaPath }) => !/\/(?:anyOf|oneOf)\/\d+/.test(schemaPath)) ?? errors[0]
  if (error === undefined) return { path: '', expected: 'must match the schema' }
  const { instancePath } = error
  switch (error.keyword) {
    case 'required':
      return explain(
        `${instancePath}/${escapeToken(error.params.requiredProperties[0] ?? '')}`,
        'must be present',
      )
    case 'additionalProperties':
      return explain(
        `${instancePath}/${escapeToken(error.params.additionalProperties[0] ?? '')}`,
        'must not be present',
      )
    case 'boolean':
      return explain(instancePath, 'must not be present')
    case 'const':
      return explain(instancePath, `must be ${JSON.stringify(error.params.allowedValue)}`)
    case 'enum':
      return explain(instancePath, `must be one of ${JSON.stringify(error.params.allowedValues)}`)
    case 'anyOf':
    case 'oneOf':
      return explain(instancePath, unionText(errors, error))
    default:
      return explain(instancePath, error.message)
  }
}

/** What the branches wanted, where each wanted one type or one value at this very place. */
function unionText(errors: readonly TLocalizedValidationError[], union: TLocalizedValidationError): string {
  const wanted: string[] = []
  for (const error of errors) {
    if (error.instancePath !== union.instancePath || error === union) continue
    if (error.keyword === 'type') wanted.push(String(error.params.type))
    else if (error.keyword === 'const') wanted.push(JSON.stringify(error.params.allowedValue))
  }
  return wanted.length === 0 ? union.message : `must be ${wanted.join(' or ')}`
}

function explain(path: string, expected: string): Explanation {
  return { path: path.slice(0, TEXT_CHARS), expected: expected.slice(0, TEXT_CHARS) }
}
