import type { TSchema } from 'typebox'
import t from 'tap'
import { readValue } from '../../../src/app/config/read-value.ts'
import type { Key } from '../../../src/base/config-keys.ts'
import { sinkTypes, sourceTypes } from '../../../src/app/config/components.ts'
import { configReference } from '../../../src/app/config/reference.ts'
import { rootKeys, schemaKeys } from '../../../src/app/config/root.ts'

t.test('every key has a description and refuses what it does not know', async (t) => {
  const visit = (schema: TSchema, path: string): void => {
    t.match(schema, { description: /\S/ }, path)
    if (!('properties' in schema)) return
    t.match(schema, { additionalProperties: false }, path)
    for (const [name, child] of Object.entries(schema.properties ?? {})) visit(child, `${path}.${name}`)
  }
  visit(rootKeys, 'root')
  visit(schemaKeys, 'schemas')
  for (const [type, { keys }] of Object.entries({ ...sourceTypes, ...sinkTypes })) visit(keys, type)
})

t.test('every default is a value that its key takes', async (t) => {
  const visit = (schema: TSchema, path: string): void => {
    for (const [name, child] of Object.entries(('properties' in schema && schema.properties) || {})) {
      visit(child, `${path}.${name}`)
    }
    if (!isKey(schema) || schema.default === undefined) return
    t.not(readValue(schema, { value: schema.default, secret: false }, '/base'), undefined, path)
  }
  visit(rootKeys, 'root')
  for (const [type, { keys }] of Object.entries({ ...sourceTypes, ...sinkTypes })) visit(keys, type)
})

function isKey(schema: TSchema): schema is Key<unknown> {
  return 'reading' in schema
}

t.test('the reference has each kind of row', async (t) => {
  const lines = configReference().split('\n')
  for (const line of [
    '### Every sink',
    '### Source of `type: http`',
    '| `memory.slab_bytes` | a size from 128KiB to 16MiB, such as 512KiB | `1MiB` | Size of one slab |',
    '| `compression` | none, gzip or zstd (not in this version: `auto`) | `none` | Compression of the files |',
    '| `event_id_field` | a key of up to 128 characters, without quotes, backslashes and control characters, or none | `none` | Top-level key that each event gets its id as |',
    '| `workers.min` | a whole number from 1 to 256 | required in `workers` | Threads that are always there |',
    '| `rate_limit.per.max_keys` | a whole number from 1 to 100000 | `10000` | Values with limits of their own; further ones share one |',
    '| `breaker.probe.method` | GET, HEAD, OPTIONS or POST | `GET` | Method of the probe; a POST has an empty body |',
    '| `where.<key>.gte` | a number or a text | none | Greater than or equal to |',
    '| `auth.basic.username` | a text without a colon | required in `auth.basic` | User name |',
    'Types that are not in this version: `kafka`.',
  ]) {
    t.ok(lines.includes(line), line)
  }
})
