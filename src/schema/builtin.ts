import { Type } from 'typebox'
import { RFC3339_FORMAT } from './oracle.ts'
import { versionOf } from './spec.ts'
import type { SchemaSpec } from './spec.ts'

const soc = Type.Object({
  timestamp: Type.String({ format: RFC3339_FORMAT }),
  source_ip: Type.String(),
  event_type: Type.String(),
  severity: Type.Integer({ minimum: 0, maximum: 10 }),
  raw_payload: Type.Optional(Type.Union([Type.Object({}), Type.Null()])),
})

const logEvent = Type.Object({
  event_id: Type.String(),
  timestamp: Type.Number(),
  source: Type.String(),
  payload: Type.Object({}),
  severity: Type.Optional(
    Type.Union([
      Type.Literal('DEBUG'),
      Type.Literal('INFO'),
      Type.Literal('WARNING'),
      Type.Literal('ERROR'),
      Type.Literal('CRITICAL'),
    ]),
  ),
})

/** Any JSON object. */
const any = Type.Object({})

/** The schemas that every installation has; other keys are allowed in each. */
export const builtinSpecs: Record<'soc' | 'log_event' | 'any', SchemaSpec> = {
  soc: {
    name: 'soc',
    schema: soc,
    version: versionOf(soc),
    severity: '/severity',
    timestamp: '/timestamp',
    declaresLogs: false,
  },
  log_event: {
    name: 'log_event',
    schema: logEvent,
    version: versionOf(logEvent),
    severity: '/severity',
    severityMap: { DEBUG: 1, INFO: 2, WARNING: 5, ERROR: 7, CRITICAL: 9 },
    severityAbsent: 2,
    timestamp: '/timestamp',
    declaresLogs: false,
  },
  any: { name: 'any', schema: any, version: versionOf(any), declaresLogs: false },
}
