/** Schemas that the scanner is tried with, and events that they accept. */
import { builtinSpecs } from '../../src/schema/builtin.ts'
import type { SchemaSpec } from '../../src/schema/spec.ts'
import { loadUserSpec } from '../../src/schema/user.ts'

const strict = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['id', 'level', 'at'],
  properties: {
    id: { type: 'string', pattern: '^[A-Z]{2,4}-[0-9]+$' },
    level: { enum: ['LOW', 'INFO', 'WARN', 'HIGH'] },
    at: { $ref: '#/$defs/when' },
    host: {
      type: 'object',
      required: ['name'],
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 12 },
        ip: { anyOf: [{ type: 'string', format: 'ipv4' }, { type: 'null' }] },
        port: { type: 'integer', minimum: 1, maximum: 65535 },
        load: { type: 'number', minimum: 0, exclusiveMaximum: 1.5 },
      },
      additionalProperties: { type: 'number' },
    },
    tags: { type: 'array', items: { type: 'string', maxLength: 5 }, minItems: 1, maxItems: 3 },
    flag: { const: true },
    kind: { anyOf: [{ const: 'a' }, { const: 'b' }, { type: 'integer' }] },
    nested: { type: ['object', 'array', 'null'], maxProperties: 2 },
  },
  $defs: { when: { type: 'string', format: 'date-time' } },
}

const undecidable = {
  type: 'object',
  required: ['a'],
  properties: { a: { not: { type: 'string' } } },
  patternProperties: { '^n_': { type: 'number' } },
}

/** Names that a careless generator of code would take for code, or for what every object has. */
export const hostileNames = [
  'toString',
  'constructor',
  '__proto__',
  'hasOwnProperty',
  '"',
  '\\',
  '`${throw 1}`',
  "'",
  '*/',
  '//',
  '\u2028',
  '\u2029',
  '\n',
  '</script>',
  '");throw new Error("out");("',
  'é',
  '\u{1f600}',
  '\ud800',
  '',
  '$&',
]

const hostile = {
  type: 'object',
  required: ['toString', '__proto__', 'é'],
  properties: Object.fromEntries(hostileNames.map((name) => [name, { type: ['string', 'number'] }])),
}

const inherited = {
  type: 'object',
  properties: { valueOf: { type: 'object', required: ['toString'] }, constructor: { type: 'number' } },
}

const numeric = {
  type: 'object',
  properties: {
    when: { type: 'number' },
    deep: { properties: { level: { type: 'number' } } },
    n: { multipleOf: 2 },
  },
}

export const testSpecs: Readonly<Record<string, SchemaSpec>> = {
  ...builtinSpecs,
  strict: loadUserSpec('strict', strict, {
    severity: '/level',
    severityMap: { LOW: 1, WARN: 6, HIGH: 9 },
    timestamp: '/at',
  }),
  undecidable: loadUserSpec('undecidable', undecidable, {}),
  hostile: loadUserSpec('hostile', hostile, { severity: '/toString', severityMap: { constructor: 3, x: 4 } }),
  inherited: loadUserSpec('inherited', inherited, { timestamp: '/toString' }),
  numeric: loadUserSpec('numeric', numeric, { severity: '/deep/level', timestamp: '/when' }),
  index: loadUserSpec('index', { type: 'object' }, { severity: '/list/0/level', timestamp: '/times/1' }),
}

export const samples: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  soc: [
    {
      timestamp: '2026-01-15T08:00:00.123Z',
      source_ip: '10.0.0.1',
      event_type: 'auth.login.failure',
      severity: 7,
      seq: 1,
      raw_payload: { user: 'CORP\\svc', tags: ['a', 'b'], geo: { city: 'São Paulo', lat: -23.5 } },
    },
    {
      timestamp: '2026-01-15T08:00:00+05:30',
      source_ip: '',
      event_type: 'x',
      severity: 10,
      raw_payload: null,
    },
  ],
  log_event: [
    { event_id: 'a', timestamp: 1768464000.25, source: 's', payload: { a: [1, 2] }, severity: 'WARNING' },
    { event_id: 'a', timestamp: 1768464000, source: 's', payload: {} },
  ],
  any: [{ a: 1, b: [true, null], c: { d: 'e' } }, {}],
  strict: [
    {
      id: 'AB-12',
      level: 'WARN',
      at: '2026-01-15T08:00:00Z',
      host: { name: 'höst', ip: '10.1.2.3', port: 443, load: 0.75, extra: 1 },
      tags: ['a', 'bb'],
      flag: true,
      kind: 'a',
      nested: { a: 1, b: [2] },
    },
    { id: 'ABC-9', level: 'HIGH', at: '1998-12-31T23:59:60Z', kind: 3, host: { name: 'x', ip: null } },
  ],
  undecidable: [{ a: 1, n_1: 2 }, { a: null }],
  hostile: [
    hostileEvent(hostileNames),
    // Without those that can only be written with an escape, which is the slow path's business.
    hostileEvent(hostileNames.filter((name) => JSON.stringify(name) === `"${name}"`)),
  ],
  inherited: [{ valueOf: { toString: 1 }, constructor: 2, toString: '2026-01-15T08:00:00Z' }, { a: 1 }],
  numeric: [
    { when: 1768464000.123, deep: { level: 3 } },
    { when: 1768464000123, deep: { level: 11 } },
    { deep: 1 },
  ],
  index: [
    { list: [{ level: 3 }, 1], times: [0, 1768464000] },
    { list: { 0: { level: 4 } }, times: { 1: 5 } },
  ],
}

function hostileEvent(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name, index) => [name, index % 2 === 0 ? 'x' : index]))
}
