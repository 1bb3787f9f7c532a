import { writeSync } from 'node:fs'
import type { WriteStream } from 'node:tty'
import { fit } from './graphics.ts'
import type { Glyphs } from './graphics.ts'

/** Standard output or standard error, when it is a terminal. */
export type Terminal = WriteStream & { readonly fd: number }

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_ALL = '\x1b[2J\x1b[H'
const CLEAR_BELOW = '\x1b[J'
const CLEAR_REST_OF_LINE = '\x1b[K'
const COLUMNS_UNKNOWN = 80
const ROWS_UNKNOWN = 24

/** Below this nothing sensible fits: longer lines are cut all the same. */
export const COLUMNS_MIN = 20

export function columnsOfTerminal(output: { readonly columns?: number }): number {
  const { columns } = output
  return Math.max(COLUMNS_MIN, columns === undefined || columns === 0 ? COLUMNS_UNKNOWN : columns)
}

/**
 * A few lines of a terminal that are drawn over and over in place. While it is open the cursor is hidden; it comes back
 * with `close()`, however the process ends, and while the process is suspended (Ctrl-Z).
 */
export class Screen {
  readonly #output: Terminal
  readonly #glyphs: Glyphs
  #lines = 0
  #open = true
  readonly #onExit = () => this.#showCursor()
  readonly #onResize = () => this.#redraw()
  readonly #onSuspend = () => {
    this.#showCursor()
    process.kill(process.pid, 'SIGSTOP')
  }
  readonly #onContinue = () => this.#redraw()

  constructor(output: Terminal, glyphs: Glyphs) {
    this.#output = output
    this.#glyphs = glyphs
    process.on('exit', this.#onExit)
    process.on('SIGTSTP', this.#onSuspend)
    process.on('SIGCONT', this.#onContinue)
    output.on('resize', this.#onResize)
    output.write(HIDE_CURSOR)
  }

  get columns(): number {
    return columnsOfTerminal(this.#output)
  }

  /** Shows these lines in place of those before; cut to the terminal's size, so that none wraps and none scrolls away. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return
    const rows = this.#output.rows > 0 ? this.#output.rows : ROWS_UNKNOWN
    const shown = lines.slice(0, Math.max(1, rows - 1))
    // One column less than there is: a full line would leave the cursor between two lines.
    const columns = this.columns - 1
    const text = shown.map((line) => `${fit(line, columns, this.#glyphs)}${CLEAR_REST_OF_LINE}\n`).join('')
    this.#output.write(`${this.#upToTop()}${text}${CLEAR_BELOW}`)
    this.#lines = shown.length
  }

  /** Leaves the last picture where it is, or, with `clear`, nothing. May be called twice. */
  close({ clear = false } = {}): void {
    if (!this.#open) return
    if (clear) this.#output.write(`${this.#upToTop()}${CLEAR_BELOW}`)
    this.#open = false
    this.#output.write(SHOW_CURSOR)
    this.#output.off('resize', this.#onResize)
    process.off('exit', this.#onExit)
    process.off('SIGTSTP', this.#onSuspend)
    process.off('SIGCONT', this.#onContinue)
  }

  #upToTop(): string {
    return this.#lines > 0 ? `\x1b[${this.#lines}A\r` : '\r'
  }

  /** How a terminal has wrapped the old lines is its secret: the next picture begins on an empty screen. */
  #redraw(): void {
    this.#lines = 0
    this.#output.write(`${CLEAR_ALL}${HIDE_CURSOR}`)
  }

  /** At once, also when the process is about to be gone. */
  #showCursor(): void {
    try {
      writeSync(this.#output.fd, SHOW_CURSOR)
    } catch {
      // The terminal is gone.
    }
  }
}
