/** The README says what the code does. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../src/app/config/load.ts'
import { REJECT_CATEGORIES } from '../../src/memory/extent-ring.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import { readmeFile, withReferences } from './generate.ts'

const readme = readFileSync(readmeFile, 'utf8')
const root = join(import.meta.dirname, '../..')

t.test('its references are those of the code', async (t) => {
  t.equal(readme, withReferences(readme), 'run `npm run docs`')
  t.throws(() => withReferences('no markers'), /no <!-- reference:errors -->/)
})

t.test('its examples of configuration pass the check', async (t) => {
  const cwd = temporaryDirectory(t)
  writeFileSync(join(cwd, 'okta.json'), '{ "type": "object" }')
  writeFileSync(join(cwd, 'token'), 'secret')
  const host = { env: { PUSH_TOKEN: 'secret' }, cwd, cores: 2 }
  const examples = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text!)
  t.ok(examples.length >= 2)
  for (const text of examples) {
    const local = text.replaceAll('/run/secrets/siem-token', './token')
    t.ok(parseConfig(local, 'README.md', cwd, host).config.sinks.length > 0)
  }
})

t.test('its program is the example that is run', async (t) => {
  t.ok(readme.includes(`\`\`\`js\n${readFileSync(join(root, 'test/examples/batcher.js'), 'utf8')}\`\`\``))
})

t.test('its links lead somewhere', async (t) => {
  for (const [, path] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
    t.ok(existsSync(join(root, path!)), path!)
})

t.test('its metrics are there', async (t) => {
  const code = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
    .join('\n')
  for (const [shown] of readme.matchAll(/\bspillway_[a-z_]+/g)) {
    // What a query reads of a histogram.
    const name = shown.replace(/_bucket$/, '')
    t.ok(code.includes(`'${name}'`) || code.includes(`'${name.slice('spillway_'.length)}'`), name)
  }
})

t.test('it names every category of refusal', async (t) => {
  for (const category of REJECT_CATEGORIES) t.ok(readme.includes(`\`${category}\``), category)
})
