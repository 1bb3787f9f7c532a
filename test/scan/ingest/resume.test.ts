import t from 'tap'
import { AUTO, DOCUMENTS, ExtentRig, ingestExtent, LINES } from '../../helpers/extent-rig.ts'
import type { RigLimits, RigRun } from '../../helpers/extent-rig.ts'

const rig = new ExtentRig({ maxRecordBytes: 60, maxDepth: 6 })
const tooLong = `{"x":"${'y'.repeat(80)}"}`
const tooDeep = '[[[[[[[[1]]]]]]]]'

const EXTENTS: Record<string, RigRun[]> = {
  lines: [{ bytes: `\n{"a":1}\r\n\n  nope\n{"b":2}\n${tooLong}\n\n{"c":3} {}\n{"d":4}\n \n` }],
  'an array': [{ bytes: `[{"a":1},\n7, {"b":\n2},${tooLong},${tooDeep},{"c":3} , {}]\n`, kind: DOCUMENTS }],
  'documents and an envelope': [{ bytes: `{}{"a":1}[]{"logs":[{"b":2},null,{}]}5 {}\n`, kind: DOCUMENTS }],
  'a body that is broken': [{ bytes: '[{"a":1},2,{"b":2},oops]\n', kind: DOCUMENTS }],
  'a body that breaks off': [{ bytes: '{"logs":[{"a":1},{"b":2},\n', kind: DOCUMENTS }],
  'many streams': [
    { bytes: '{"a":1}\nnope\n' },
    { bytes: '\uFEFF[{"b":2},3]\n', kind: DOCUMENTS },
    { bytes: '\uFEFF{"c":3}\n{"d"}\n', kind: AUTO },
    { bytes: 'nope]\n', kind: AUTO },
    { bytes: '{"broken":', kind: 4 },
    { bytes: '{"e":5}\n', kind: LINES },
    { bytes: tooLong.slice(0, 40), kind: 3, length: 1000 },
    { bytes: '[]\n', kind: DOCUMENTS },
    { bytes: '{"f":6}\n{"g":7}\n' },
  ],
}

const limitsToTry: Record<string, RigLimits | ((part: number) => RigLimits)> = {
  'a table for one record': { capacity: 1 },
  'a table for two records': { capacity: 2 },
  'a limit of one record': { recordLimit: 1 },
  'a limit of three records': { recordLimit: 3 },
  'each in turn': (part) => [{ capacity: 1 }, { recordLimit: 1 }, { outBytes: 600 }][part % 3]!,
  ...Object.fromEntries(
    [400, 450, 500, 600, 700, 800, 900].map((outBytes) => [`an output of ${outBytes} bytes`, { outBytes }]),
  ),
}

for (const [name, runs] of Object.entries(EXTENTS)) {
  t.test(name, async (t) => {
    const inOneGo = ingestExtent(rig, runs, {})
    t.equal(inOneGo.parts, 1)
    t.equal(
      inOneGo.sent
        .split('\n')
        .map((line) => line.trim())
        .join('\n'),
      [...inOneGo.accepted, ''].join('\n'),
    )
    t.ok(ingestExtent(rig, runs, { capacity: 1 }).parts > 1)
    if (inOneGo.letters.length > 2) t.ok(ingestExtent(rig, runs, { outBytes: 400 }).parts > 1)
    for (const [how, limits] of Object.entries(limitsToTry)) {
      const inParts = ingestExtent(rig, runs, limits)
      t.same(inParts.accepted, inOneGo.accepted, how)
      t.same(
        inParts.sent.split('\n').map((line) => line.trim()),
        [...inOneGo.accepted, ''],
        how,
      )
      t.same(inParts.letters, inOneGo.letters, how)
      t.same(inParts.runs, inOneGo.runs, how)
      t.same(inParts.errors, inOneGo.errors, how)
      t.equal(inParts.touched, 0, `${how}: nothing behind the part is touched`)
    }
  })
}
