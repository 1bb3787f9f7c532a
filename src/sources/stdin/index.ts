/* oxlint-disable no-await-in-loop -- one read after another */
import { reasonOf, spwError } from '../../base/errors.ts'
import type { SpillwayError } from '../../base/errors.ts'
import { STDIN_READ_BYTES, UNFINISHED_BLOCK_BYTES } from '../../pipeline/limits.ts'
import type { Stream } from '../../pipeline/intake/stream.ts'
import type { Source, SourceContext } from '../../pipeline/source.ts'
import type { StdinSourceConfig } from './config.ts'
import { openInput } from './input.ts'
import type { Input } from './input.ts'

const STDIN = 0

/** NDJSON from standard input. Without room it is not read, so whoever writes to it waits; it ends with its input. */
export class StdinSource implements Source {
  readonly address = 'stdin'
  readonly ended: Promise<void>
  readonly #config: StdinSourceConfig
  readonly #context: SourceContext
  readonly #fd: number
  readonly #buffer = new Uint8Array(STDIN_READ_BYTES)
  readonly #end = Promise.withResolvers<void>()
  #input: Input | null = null
  #reading: Promise<void> | null = null
  #stopped = false
  /** Goes on after a wait for room. */
  #goOn = () => {}

  /** `fd`: for tests, which have another standard input. */
  constructor(config: StdinSourceConfig, context: SourceContext, fd = STDIN) {
    this.#config = config
    this.#context = context
    this.#fd = fd
    this.ended = this.#end.promise
    // Told to the log; nobody need wait for the end.
    this.ended.catch(() => {})
  }

  async start(): Promise<void> {
    try {
      this.#input = openInput(this.#fd, this.#buffer)
    } catch (error) {
      throw this.#unreadable(error)
    }
    this.#reading = this.#readAll(this.#input)
  }

  async #readAll(input: Input): Promise<void> {
    const stream = this.#context.intake.openStream({
      peer: 'stdin',
      framing: 'lines',
      reusesBuffer: true,
      onDrain: () => this.#goOn(),
    })
    try {
      const whole = await this.#copy(input, stream)
      stream.end(whole)
      if (whole) this.#end.resolve()
    } catch (error) {
      stream.end(false)
      this.#context.events.inputFailed(this.#config.name, reasonOf(error))
      this.#end.reject(this.#unreadable(error))
    }
  }

  /** Resolves to true at the end of the input, to false after `stop`. */
  async #copy(input: Input, stream: Stream): Promise<boolean> {
    for (;;) {
      while (!this.#stopped && !this.#hasRoom()) {
        await this.#wait((goOn) => this.#context.intake.onRoom(goOn))
      }
      if (this.#stopped) return false
      const length = await input.read()
      if (length === null) return false
      if (length === 0) return true
      if (!stream.write(this.#buffer.subarray(0, length))) await this.#wait(() => {})
    }
  }

  #hasRoom(): boolean {
    const { intake } = this.#context
    return this.#context.accepting() && intake.hasRoom(STDIN_READ_BYTES + UNFINISHED_BLOCK_BYTES)
  }

  /** Until `onDrain`, until what was `asked` for, or until `stop`. */
  #wait(ask: (goOn: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve
      ask(resolve)
    })
  }

  #unreadable(error: unknown): SpillwayError {
    const params = { source: this.#config.name, reason: reasonOf(error) }
    return spwError('SPW_ERR_STDIN_UNREADABLE', params, { cause: error })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#input?.close()
    this.#goOn()
    await this.#reading
  }
}
