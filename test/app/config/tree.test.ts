/** Documents that are made to hurt. */
import t from 'tap'
import { least, parse, problemsOf } from './fixtures/configs.ts'

t.test('anchors and aliases are plain YAML', async (t) => {
  const text = `sources: { in: { type: tcp, listen: 127.0.0.1:0 } }
sinks:
  a: { type: blackhole, batch: &batch { max_events: 5 } }
  b: { type: blackhole, batch: *batch }
`
  t.same(
    parse(text).config.sinks.map(({ batch }) => batch.maxEvents),
    [5, 5],
  )
})

t.test('aliases that multiply are cut off', async (t) => {
  const names = Array.from({ length: 12 }, (_, index) => `a${index}`)
  const bomb = names.map((name, index) =>
    index === 0
      ? `${name}: &${name} [1]`
      : `${name}: &${name} [${Array(12)
          .fill(`*a${index - 1}`)
          .join(', ')}]`,
  )
  t.match(
    problemsOf(`${bomb.join('\n')}\n${least}`)[0],
    /expected at most 50000 values, aliases expanded, found more/,
  )
})

t.test('an alias of itself is cut off', async (t) => {
  t.match(problemsOf(`x: &x { y: *x }\n${least}`).join('\n'), /expected nesting up to 64 deep, found more/)
})

t.test('nesting that would overflow the stack is refused', async (t) => {
  t.match(problemsOf(`x: ${'['.repeat(100_000)}`)[0], /^c\.yaml:\d+:\d+: .*expected (?:YAML|nesting)/)
  t.match(problemsOf(`x: ${'{a: '.repeat(50_000)}`)[0], /^c\.yaml:\d+:\d+: .*expected (?:YAML|nesting)/)
})

t.test('many keys take linear time', async (t) => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`)
  t.match(problemsOf(`${keys.join('\n')}\n${least}`)[0], /k0: expected one of the keys/)
})

t.test('tags of other languages and unknown aliases are errors', async (t) => {
  t.match(
    problemsOf(`data_dir: !!js/function x\n${least}`)[0],
    /^c\.yaml:1:11: expected YAML, found Unresolved tag/,
  )
  t.match(
    problemsOf(`data_dir: *nowhere\n${least}`)[0],
    /^c\.yaml:1:11: data_dir: expected an anchor &nowhere above, found none/,
  )
  t.match(problemsOf(`data_dir: !!binary aGk=\n${least}`)[0], /expected YAML, found/)
})

t.test('keys that are maps are errors', async (t) => {
  t.match(problemsOf(`{ a: 1 }: 2\n`)[0], /^c\.yaml:1:1: expected YAML, found/)
})

t.test('merge keys are keys like any other', async (t) => {
  t.match(problemsOf(`<<: { workers: 2 }\n${least}`)[0], /"<<": expected one of the keys/)
})
