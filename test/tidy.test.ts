/** The style that a machine can check: floors, cycles, names, lengths. Each message says what to do instead. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'
import t from 'tap'
import { errorTable } from '../src/base/errors.ts'

const root = join(import.meta.dirname, '..')

/**
 * An import goes down, or stays in its folder. Within the floor of pure functions, the scanner stands on the others: it
 * is compiled from a schema and builds dead letters.
 */
const floors: Readonly<Record<string, number>> = {
  'src/base': 0,
  'src/memory': 0,
  'src/schema': 1,
  'src/encode': 1,
  'src/decode': 1,
  'src/scan': 1.5,
  workers: 1.9,
  'src/journal': 2,
  'src/dlq': 2,
  'src/telemetry': 2,
  'src/pipeline': 3,
  'src/sources': 4,
  'src/sinks': 4,
  'src/app': 5,
  'src/commands': 6,
  src: 6.5,
}

const FILE_LINES_MAX = 400

const bannedFiles = /^(utils?|types?|common|constants?|helpers?|misc|shared)\.ts$/

/** What no line may hold, and what to do instead. */
const bannedText: readonly (readonly [RegExp, string])[] = [
  [/\bconsole\.\w/, 'log through the logger; a command writes to process.stdout'],
  [/\b(TODO|FIXME|XXX|HACK)\b/, 'do it, or open an issue'],
  [
    /^import \{[^}]*\btype\s/,
    '`import type` on a line of its own: under type stripping this one stays a run-time import',
  ],
  [/\bimport type .* from '[^'.]*(?<!\.ts)\.js'/, 'relative imports end in .ts'],
  [/@ts-(ignore|nocheck)/, 'say it in types, or @ts-expect-error with the reason'],
  [
    /\b(const|let|readonly|function) #?(timeout|limit|interval|duration|ttl)\b/,
    'say of what and in which unit: `idleTimeoutMs`, `maxBytes`',
  ],
  [
    /\b(const|let|readonly|function) #?(tmp|temp|obj|arr|foo|utils?|helpers?|misc)\b/,
    'a name says what the thing is for',
  ],
  [/\b(blacklist|whitelist)/i, 'denied, allowed'],
  [/['"`]\/(work|root|home)\//, 'no path of one machine'],
]

interface SourceFile {
  /** From the root of the checkout, with slashes. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

const shipped = [...files('src'), ...files('workers')]
const all = [...shipped, ...files('bench'), ...files('test')].filter(
  ({ path }) => path !== 'test/tidy.test.ts',
)

function files(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name)
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, lines: text.split('\n') }
    })
}

interface Import {
  readonly to: string
  readonly typeOnly: boolean
}

/** Relative imports, re-exports and dynamic imports of a file. */
function importsOf({ path, text }: SourceFile): Import[] {
  const found: Import[] = []
  for (const match of text.matchAll(/^(?:import|export)( type)?\b[^'"]*?['"](\.[^'"]+\.ts)['"];?$/gm)) {
    found.push({ to: normalize(join(dirname(path), match[2]!)), typeOnly: match[1] !== undefined })
  }
  for (const match of text.matchAll(/\bimport\('(\.[^']+\.ts)'\)/g)) {
    found.push({ to: normalize(join(dirname(path), match[1]!)), typeOnly: false })
  }
  return found
}

function folderOf(path: string): string {
  const parts = path.split('/')
  return parts[0] === 'src' && parts.length > 2 ? `src/${parts[1]}` : parts[0]!
}

/** `src/sinks/http` of a file of that component, undefined for one of no component. */
function componentOf(path: string): string | undefined {
  return /^src\/(?:sources|sinks)\/[^/]+(?=\/)/.exec(path)?.[0]
}

t.test('an import goes down, or stays in its folder', async (t) => {
  for (const file of shipped) {
    const from = folderOf(file.path)
    const floor = floors[from]
    if (floor === undefined) t.fail(`${file.path}: the folder has no floor`)
    for (const { to } of importsOf(file)) {
      const folder = folderOf(to)
      if (folder === from || floor! > (floors[folder] ?? Infinity)) continue
      t.fail(`${file.path} imports ${to}, which is not below it`)
    }
  }
  t.pass(`${shipped.length} files`)
})

t.test('a source or a sink imports none of its siblings', async (t) => {
  for (const file of shipped) {
    const from = componentOf(file.path)
    if (from === undefined) continue
    for (const { to } of importsOf(file)) {
      const component = componentOf(to)
      if (component !== undefined && component !== from) t.fail(`${file.path} imports ${to}`)
    }
  }
  t.pass('checked')
})

t.test('no circle of imports, types apart', async (t) => {
  const imports = new Map(
    shipped.map((file) => [file.path, importsOf(file).filter(({ typeOnly }) => !typeOnly)] as const),
  )
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) return void t.fail([...way.slice(way.indexOf(path)), path].join(' -> '))
    if (done.has(path)) return
    for (const { to } of imports.get(path) ?? []) visit(to, [...way, path])
    done.add(path)
  }
  for (const path of imports.keys()) visit(path, [])
  t.pass('checked')
})

t.test('every relative import names a file that is there', async (t) => {
  const known = new Set(all.map(({ path }) => path).concat('test/tidy.test.ts'))
  for (const file of all) {
    for (const { to } of importsOf(file)) {
      if (!known.has(to)) t.fail(`${file.path} imports ${to}, which is not there`)
    }
  }
  t.pass('checked')
})

t.test('no banned file names', async (t) => {
  for (const { path } of all)
    t.notMatch(basename(path), bannedFiles, `${path}: put it beside the code that owns it`)
})

t.test('no banned words', async (t) => {
  for (const { path, lines } of all) {
    const allowConsole = path.startsWith('bench/')
    lines.forEach((line, index) => {
      for (const [pattern, instead] of bannedText) {
        if (allowConsole && pattern.source.includes('console')) continue
        if (pattern.test(line)) t.fail(`${path}:${index + 1}: ${line.trim()}: ${instead}`)
      }
    })
  }
  t.pass(`${all.length} files`)
})

t.test('shared memory is touched atomically only in src/memory, through named functions', async (t) => {
  for (const { path, lines } of shipped) {
    if (path.startsWith('src/memory/')) continue
    lines.forEach((line, index) => {
      if (/\bAtomics\./.test(line)) t.fail(`${path}:${index + 1}: ${line.trim()}`)
    })
  }
  t.pass('checked')
})

t.test(`a file is one idea: at most ${FILE_LINES_MAX} lines`, async (t) => {
  for (const { path, lines } of shipped) {
    if (lines.length - 1 > FILE_LINES_MAX) t.fail(`${path} has ${lines.length - 1} lines`)
  }
  t.pass('checked')
})

t.test('every error code is thrown somewhere, and none is made up', async (t) => {
  const used = new Set<string>()
  for (const { path, text } of shipped) {
    if (path === 'src/base/errors.ts') continue
    for (const [code] of text.matchAll(/\bSPW_ERR(?:_[A-Z]+)+\b/g)) used.add(code)
  }
  t.same(
    [...used].filter((code) => !Object.hasOwn(errorTable, code)),
    [],
    'all are in the table',
  )
  t.same(
    Object.keys(errorTable).filter((code) => !used.has(code)),
    [],
    'all are used',
  )
})

t.test('folders that others build on say how', async (t) => {
  const readmes = new Set(
    readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => basename(name) === 'README.md')
      .map((name) => dirname(relative('.', name))),
  )
  for (const folder of ['sources', 'sinks', 'pipeline', 'memory', 'scan', 'dlq', 'journal', 'app/config']) {
    t.ok(readmes.has(folder), `src/${folder}/README.md`)
  }
})
