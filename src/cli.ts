import { Command, CommanderError } from 'commander'
import { version } from './base/version.ts'
import { checkCommand } from './commands/check.ts'
import { runCommand } from './commands/run.ts'

const EXIT_USAGE = 2

/** argv to command. */
async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  const program = new Command('spillway')
    .description('Log collector for security operations')
    .version(version)
    .exitOverride()
    .showHelpAfterError()
  program
    .command('run')
    .description('take events and deliver them until SIGTERM')
    .option('-c, --config <file>', 'configuration file; default: the embedded one')
    .action(async (options: { config?: string }) => {
      exitCode = await runCommand(options)
    })
  program
    .command('check')
    .description('check a configuration and show what it resolves to, with the memory ceiling')
    .option('-c, --config <file>', 'configuration file; default: the embedded one')
    .option('--json', 'as JSON')
    .action((options: { config?: string; json?: boolean }) => {
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
