/**
 * The JSON Schema Test Suite, drafts 7 and 2020-12, through the loader, the kernel and the slow path. Left out is
 * exactly what plain TypeBox gets wrong, found by running it, and what the loader refuses as a configuration error.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import { Compile } from 'typebox/schema'
import { SpillwayError } from '../../src/base/errors.ts'
import { scannerOf } from '../helpers/scanner-of.ts'
import { compileSlowPath } from '../../src/scan/slow-path.ts'
import type { SchemaSpec } from '../../src/schema/spec.ts'
import { loadUserSpec } from '../../src/schema/user.ts'

interface Group {
  description: string
  schema: unknown
  tests: { description: string; data: unknown; valid: boolean }[]
}

const limits = { maxDepth: 64 }
const root = join(process.env.SPILLWAY_VECTORS ?? '', 'schema-validation', 'JSON-Schema-Test-Suite')

function filesOf(draft: string): string[] {
  const folder = join(root, draft)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => join(folder, file))
    .toSorted()
}

/** Plain TypeBox: the schema as it stands in the file, no loader. */
function plainTypeBox(schema: unknown): ((value: unknown) => boolean) | null {
  try {
    const validator = Compile(schema as object)
    return (value) => validator.Check(value)
  } catch {
    return null
  }
}

function load(schema: unknown): SchemaSpec | string {
  try {
    return loadUserSpec('suite', schema, {})
  } catch (error) {
    if (error instanceof SpillwayError && error.code.startsWith('SPW_ERR_SCHEMA_')) return error.message
    throw error
  }
}

function runGroup(
  group: Group,
  name: string,
  left: string[],
): { run: number; wrong: string[]; kernel: number } {
  const wrong: string[] = []
  const spec = load(group.schema)
  if (typeof spec === 'string') {
    left.push(`refused: ${name}: ${spec}`)
    return { run: 0, wrong, kernel: 0 }
  }
  const typeBox = plainTypeBox(group.schema)
  const scanner = scannerOf(spec, limits)
  const slowPath = compileSlowPath(spec, limits)
  let run = 0
  let kernel = 0
  for (const { description, data, valid } of group.tests) {
    const bytes = Buffer.from(JSON.stringify(data) + '\n'.repeat(64))
    const to = bytes.length - 64
    const end = scanner.scanLine(bytes, 0)
    const verdict = slowPath.decide(bytes, 0, to)
    if (verdict.accepted !== valid && !typeBoxAgrees(typeBox, data, valid)) {
      left.push(`TypeBox: ${name}: ${description}`)
      if (end === to && !verdict.accepted) wrong.push(`kernel: ${description}`)
      continue
    }
    run++
    if (end === to) kernel++
    if (verdict.accepted !== valid) wrong.push(`slow path: ${description}: ${inspect(verdict)}`)
    if (end === to && !valid) wrong.push(`kernel: ${description}`)
  }
  return { run, wrong, kernel }
}

/** TypeBox itself gives the suite's answer. */
function typeBoxAgrees(
  typeBox: ((value: unknown) => boolean) | null,
  data: unknown,
  valid: boolean,
): boolean {
  try {
    return typeBox !== null && typeBox(data) === valid
  } catch {
    return false
  }
}

for (const draft of ['draft7', 'draft2020-12']) {
  t.test(draft, { skip: existsSync(join(root, draft)) ? false : 'SPILLWAY_VECTORS is not set' }, (t) => {
    const left: string[] = []
    let run = 0
    let kernel = 0
    for (const file of filesOf(draft)) {
      const wrong: string[] = []
      for (const group of JSON.parse(readFileSync(file, 'utf8')) as Group[]) {
        const name = `${file.slice(root.length + 1)}: ${group.description}`
        const result = runGroup(group, name, left)
        run += result.run
        kernel += result.kernel
        wrong.push(...result.wrong.map((text) => `${group.description}: ${text}`))
      }
      t.strictSame(wrong, [], file.slice(root.length + 1))
    }
    for (const text of left) t.comment(text)
    t.comment(`${run} cases run, ${kernel} accepted by the kernel, ${left.length} groups or cases left out`)
    t.ok(run > 700, `${run} cases were run`)
    t.end()
  })
}
