/**
 * argv to command. Each command is imported when it is called: `check` has no use for worker pools and HTTP clients, which
 * take longer to load than it takes to run.
 */
import { Command, CommanderError } from 'commander'
import { version } from './base/version.ts'

/** Usage and configuration; 1 is for what is wrong beyond them. */
const EXIT_USAGE = 2

const CONFIG_OPTION = ['-c, --config <file>', 'configuration file; default: the embedded one'] as const

/** Resolves to the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  const program = new Command('spillway')
    .description('Log collector for security operations')
    .version(version)
    .exitOverride()
    .showHelpAfterError()
  program
    .command('run')
    .description('take events and deliver them until SIGTERM or SIGINT')
    .option(...CONFIG_OPTION)
    .action(async (options: { config?: string }) => {
      const { runCommand } = await import('./commands/run.ts')
      exitCode = await runCommand(options)
    })
  program
    .command('check')
    .description('check a configuration and show what it resolves to, with the memory ceiling')
    .option(...CONFIG_OPTION)
    .option('--json', 'as JSON')
    .action(async (options: { config?: string; json?: boolean }) => {
      const { checkCommand } = await import('./commands/check.ts')
      exitCode = checkCommand(options)
    })
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? 0 : EXIT_USAGE
  }
  return exitCode
}

const exitCode = await main(process.argv.slice(2))
process.exit(exitCode)
