/** `spillway demo` as its users meet it: a child process, in a pipe and in a terminal. */
import { readdirSync } from 'node:fs'
import t from 'tap'
import type { Verdict } from '../../src/commands/demo/verdict.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import {
  CTRL_C,
  cursorRestored,
  noTerminal,
  run,
  shownLines,
  startCli,
  startInTerminal,
} from './fixtures/cli.ts'

function verdictOf(out: string): Verdict {
  return JSON.parse(out)
}

t.test('options that are none', async (t) => {
  const { code, out, err } = await run(t, 'demo', '--rate', '-3')
  t.same([code, out], [2, ''])
  t.match(err, /^--rate: -3 is no whole number such as 500 or 5k$/m)
})

t.test('in a pipe, as JSON: a line a second, and everything adds up', async (t) => {
  const directory = temporaryDirectory(t)
  const args = ['demo', '--duration', '3s', '--rate', '2k', '--json']
  const { code, out, err } = await startCli(t, args, { TMPDIR: directory }).ended
  t.equal(code, 0, err)
  t.match(err, /^1 s, in [\d,]+\/s, held [\d,]+ \(\d+ %\), out [\d,]+\/s, p99 within .*, SIEM \w+/)
  // oxlint-disable-next-line no-control-regex -- that is what must not be there
  t.notMatch(err, /\x1b/)
  const { balanced, interrupted, senders, ledger, siem } = verdictOf(out)
  t.ok(balanced)
  t.notOk(interrupted)
  t.equal(senders.sent, 15_720, '3 s of 2,000 and 0.54 s of 18,000 more')
  t.equal(senders.given_up, 0)
  t.equal(ledger.received, senders.sent)
  t.equal(ledger.rejected, senders.malformed_on_purpose)
  t.ok(ledger.rejected > 0 && ledger.rejected_by_category['schema_violation']! > 0)
  t.equal(ledger.delivered, ledger.received - ledger.rejected)
  t.equal(siem.unique, ledger.delivered)
  t.match(ledger, { held: 0, dead_lettered: 0, imbalances: [] })
  t.same(readdirSync(directory), [], 'nothing is left on disk')
})

t.test(
  'in a terminal: drawn in place, Ctrl-C ends it with a ledger that balances',
  { skip: noTerminal },
  async (t) => {
    const clis = [80, 40].map((columns) => ({
      columns,
      cli: startInTerminal(t, columns, 'demo', '--rate', '1k'),
    }))
    await Promise.all(
      clis.map(async ({ columns, cli }) => {
        await cli.said(/p99 within \d/)
        cli.child.stdin.write(CTRL_C)
        const { code, out } = await cli.ended
        t.equal(code, 0, out.slice(-500))
        const lines = shownLines(out)
        t.same(
          lines.filter((line) => line.length > columns),
          [],
          `nothing wraps at ${columns}`,
        )
        t.ok(lines.some((line) => /^ +Balanced: no event is missing/.test(line)))
        t.ok(lines.some((line) => /^ +counted by the SIEM +[1-9]/.test(line)))
        t.match(out, '\x1b[32m', 'in colours')
        t.ok(cursorRestored(out))
      }),
    )
  },
)

t.test('a reader that is gone ends it early', async (t) => {
  const cli = startCli(t, ['demo', '--rate', '1k'])
  await cli.said(/^1 s, /m)
  cli.child.stdout.destroy()
  t.match(await cli.ended, { code: 0, err: '' })
})
