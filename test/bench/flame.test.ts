import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { flamePage } from '../../bench/flame/html.ts'
import { parseStacks } from '../../bench/flame/perf.ts'
import { Frame, addCpuProfile, addHeapProfile } from '../../bench/flame/stacks.ts'
import { temporaryDirectory } from '../helpers/collector.ts'

const program = fileURLToPath(new URL('../../bench/flame.ts', import.meta.url))
const ours = (functionName: string) => ({ functionName, url: 'file:///x/src/a.ts', lineNumber: 4 })
const rootFrame = { functionName: '(root)', url: '', lineNumber: -1 }

t.test('stacks become one tree, whatever they count', async (t) => {
  const time = new Frame('main')
  addCpuProfile(time, {
    nodes: [
      { id: 1, callFrame: rootFrame, children: [2] },
      { id: 2, callFrame: ours('outer'), children: [3, 4] },
      { id: 3, callFrame: ours('inner') },
      { id: 4, callFrame: { functionName: '', url: '', lineNumber: -1 } },
    ],
    samples: [2, 3, 3, 4],
    timeDeltas: [999, 5, 10, 20],
  })
  t.equal(time.total(), 35)
  t.strictSame(time.selfByName(), [
    ['inner src/a.ts:5', 30],
    ['outer src/a.ts:5', 5],
  ])
  const bytes = new Frame('main')
  const inner = { callFrame: ours('inner'), selfSize: 100, children: [] }
  const outer = { callFrame: ours('outer'), selfSize: 0, children: [inner, inner] }
  addHeapProfile(bytes, { head: { callFrame: rootFrame, selfSize: 1, children: [outer] } })
  t.equal(bytes.total(), 201)
  t.strictSame(bytes.selfByName()[0], ['inner src/a.ts:5', 200])
})

t.test('what perf prints, by thread', async (t) => {
  const text = [
    'MainThread ',
    '\tffffffff8a2b1c tcp_sendmsg',
    '\t         1a2b3c JS:*send file:///x/src/a.ts:10:3',
    '',
    'MainThread ',
    '\t         1a2b3c JS:*send file:///x/src/a.ts:10:3',
    '',
    'V8Worker ',
    '\t         77 [unknown]',
    '',
  ].join('\n')
  const trees = parseStacks(text)
  t.strictSame([...trees.keys()], ['MainThread', 'V8Worker'])
  t.strictSame([...trees.get('MainThread')!.callees.keys()], ['send src/a.ts:10:3'])
  t.equal(trees.get('MainThread')!.total(), 2)
})

t.test('the page: widths are shares, names are escaped', async (t) => {
  const root = new Frame('main')
  root.add(['<a>', 'b'], 3)
  root.add(['c'], 1)
  const page = flamePage('a case', 'samples', new Map([['main', root]]))
  t.match(page, /left:0\.000%;width:75\.000%;top:0px[^>]*>&#60;a&#62;</)
  t.match(page, /left:0\.000%;width:75\.000%;top:17px[^>]*>b</)
  t.match(page, /left:75\.000%;width:25\.000%;top:0px[^>]*>c</)
})

t.test('a case is sampled while it runs: main thread and workers', async (t) => {
  const out = temporaryDirectory(t)
  const env = {
    ...process.env,
    SPILLWAY_TOOLS: undefined,
    NODE_V8_COVERAGE: undefined,
    NODE_OPTIONS: undefined,
  }
  const sampled = ['--tiny', '--events', '60000', '--warm-up', '0', '--seconds', '0.3', '--out', out]
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'tcp-2', ...sampled], { env })
  t.match(stdout, /^main: \d/m)
  t.match(stdout, /^worker: \d/m)
  t.match(stdout, /"lost":0/)
  t.match(readFileSync(join(out, 'flame-tcp-2.html'), 'utf8'), /<h2>main: .*<h2>worker: /s)
})
