/** `spillway check`: is the configuration right, what does it resolve to, and how much memory will it take at most. */
import { stringify } from 'yaml'
import { SpillwayError } from '../base/errors.ts'
import { loadConfig } from '../app/config/load.ts'
import { formatMemorySum, memorySum } from '../app/config/memory-sum.ts'

export interface CheckOptions {
  /** Configuration file; absent: the embedded default. */
  readonly config?: string | undefined
  readonly json?: boolean | undefined
}

/** Where a command writes; tests collect it. */
export interface Output {
  out(text: string): void
  err(text: string): void
}

const standardOutput: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
}

/** Prints the resolved configuration without its secrets and the memory ceiling as a sum, or all that is wrong. Returns the exit code. */
export function checkCommand(options: CheckOptions, output: Output = standardOutput): 0 | 1 | 2 {
  try {
    const { file, config, shown } = loadConfig(options.config)
    const sum = memorySum(config)
    if (options.json === true)
      output.out(`${JSON.stringify({ file, config: shown, memory: sum }, undefined, 2)}\n`)
    else output.out(`# ${file}\n${stringify(shown, YAML_STYLE)}\n${asComment(formatMemorySum(sum))}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    const { code, message, details } = error
    if (options.json === true) {
      output.out(`${JSON.stringify({ code, message, errors: details.problems ?? [] }, undefined, 2)}\n`)
    } else output.err(`${message}\n`)
    return error.exitCode
  }
}

const YAML_STYLE = { lineWidth: 0, aliasDuplicateObjects: false } as const

/** The sum stands below as a comment, so that the whole output is YAML. */
function asComment(text: string): string {
  return `Memory at most\n${text}`.replace(/^/gm, '# ')
}
