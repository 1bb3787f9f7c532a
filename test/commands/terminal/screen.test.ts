import { EventEmitter } from 'node:events'
import t from 'tap'
import { glyphsFor } from '../../../src/commands/terminal/graphics.ts'
import { columnsOfTerminal, Screen } from '../../../src/commands/terminal/screen.ts'
import type { Terminal } from '../../../src/commands/terminal/screen.ts'
import { StopSignals } from '../../../src/commands/terminal/stop-signals.ts'

class FakeTerminal extends EventEmitter {
  written = ''
  columns = 30
  rows = 6
  /** No such descriptor: the terminal is gone when the process ends. */
  readonly fd = -1
  write(text: string): boolean {
    this.written += text
    return true
  }
}

function open() {
  const terminal = new FakeTerminal()
  return { terminal, screen: new Screen(terminal as unknown as Terminal, glyphsFor({})) }
}

t.test('draws in place, within the rows and columns', async (t) => {
  const { terminal, screen } = open()
  screen.draw(['a', 'b'.repeat(40)])
  t.equal(terminal.written, `\x1b[?25l\ra\x1b[K\n${'b'.repeat(28)}…\x1b[K\n\x1b[J`)
  terminal.written = ''
  screen.draw(['1', '2', '3', '4', '5', '6', '7'])
  t.match(terminal.written, /^\x1b\[2A\r1/) // oxlint-disable-line no-control-regex
  t.notMatch(terminal.written, '6', 'what would scroll away is left out')
  terminal.written = ''
  terminal.emit('resize')
  screen.draw(['x'])
  t.equal(terminal.written, '\x1b[2J\x1b[H\x1b[?25l\rx\x1b[K\n\x1b[J', 'a new size begins on an empty screen')
  screen.close()
  screen.close()
  screen.draw(['late'])
  t.match(terminal.written, /\x1b\[\?25h$/) // oxlint-disable-line no-control-regex
})

const counts = () => ['exit', 'SIGTSTP', 'SIGCONT'].map((event) => process.listenerCount(event))

t.test('nothing is left behind, on the terminal and at the process', async (t) => {
  const before = counts()
  const { terminal, screen } = open()
  t.notSame(counts(), before)
  screen.draw(['a'])
  terminal.written = ''
  screen.close({ clear: true })
  t.equal(terminal.written, '\x1b[1A\r\x1b[J\x1b[?25h')
  t.same(counts(), before)
  t.equal(terminal.listenerCount('resize'), 0)
})

t.test('the width of a terminal that does not know it', async (t) => {
  t.same(
    [undefined, 0, 5, 100].map((columns) => columnsOfTerminal(columns === undefined ? {} : { columns })),
    [80, 80, 20, 100],
  )
})

t.test('the first signal stops, what comes with it is the same one, a later one ends', async (t) => {
  let nowMs = 1000
  const host = new EventEmitter()
  const signals = new StopSignals(host, () => nowMs)
  host.emit('SIGINT')
  t.ok(signals.stop.aborted)
  nowMs += 100
  host.emit('SIGINT')
  t.notOk(signals.end.aborted, 'npm has passed on the same Ctrl-C')
  nowMs += 1000
  host.emit('SIGTERM')
  t.ok(signals.end.aborted)
  signals.close()
  t.same(host.eventNames(), [])
})
