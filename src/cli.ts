/**
 * argv to command. Each command is imported when it is called: `check` has no use for worker pools and HTTP clients, which
 * take longer to load than it takes to run.
 */
import { Command, CommanderError, Option } from 'commander'
import { version } from './base/version.ts'
import { addDlqCommands } from './commands/dlq/commands.ts'
import type { BenchOptions } from './commands/bench/plan.ts'
import type { CatOptions } from './commands/journal/cat.ts'
import type { JournalOptions } from './commands/journal/open-journal.ts'
import type { DemoOptions } from './commands/demo/plan.ts'
import type { SystemdOptions } from './commands/systemd.ts'
import type { SendOptions } from './commands/send/plan.ts'

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
  program
    .command('demo')
    .description('watch a collector get through a spike while its SIEM throttles; needs no configuration')
    .option('--duration <time>', 'how long events are sent, from 1s to 10m', '30s')
    .option('--rate <n>', 'events a second on an ordinary day', '5k')
    .option('--spike <factor>', 'how many times as many in the spike', '10x')
    .option('--json', 'the ledger at the end as JSON')
    .option('--no-color', 'no colours; so does NO_COLOR')
    .action(async (options: DemoOptions) => {
      const { demoCommand } = await import('./commands/demo.ts')
      exitCode = await demoCommand(options)
    })
  program
    .command('send')
    .description('send events to a collector, made up or from a file, and tell how it took them')
    .argument('[url]', 'where to, in place of --to')
    .option('--to <url>', 'http://HOST:PORT/, https://, tcp://, syslog:// (over TCP) or syslog+udp://')
    .option('--count <n>', 'events to send, such as 500 or 50k (default: 10k, without --duration and --file)')
    .option('--rate <n>', 'events a second (default: as fast as they are taken; over UDP 10k)')
    .option('--duration <time>', 'how long to send, such as 30s')
    .option('--connections <n>', 'connections at once (default: 1)')
    .option('--batch <n>', 'events of one POST, at most (default: 500; up to 4 MiB)')
    .option(
      '--file <file>',
      'send its lines, NDJSON or raw syslog: once, or over and over up to --count or --duration',
    )
    .option('--format <format>', 'of made-up syslog: rfc5424 (default) or rfc3164')
    .option('--framing <framing>', 'of syslog over TCP: newline (default) or octet-counting')
    .option(
      '--header <header>',
      'a further header of POSTs, such as "x-tenant: blue"; may be repeated',
      collect,
      [],
    )
    .addOption(new Option('--token <token>', 'bearer token of POSTs').env('SPILLWAY_TOKEN'))
    .option('--gzip', 'compress the bodies of POSTs')
    .option('--json', 'the result as JSON')
    .option('--no-color', 'no colours; so does NO_COLOR')
    .action(async (url: string | undefined, options: SendOptions) => {
      const { sendCommand } = await import('./commands/send.ts')
      exitCode = await sendCommand(url, options)
    })
  program
    .command('bench')
    .description('measure this host, and print a configuration for it with the rate to expect')
    .option(...CONFIG_OPTION)
    .option('--dir <directory>', 'where the journal would be (default: data_dir)')
    .option('--duration <time>', 'how long it may take, from 2s to 10m', '15s')
    .option('--event-bytes <size>', 'of an event that is made up (default: 375B)')
    .option('--file <file>', 'NDJSON: measure with these events, by the schema of the first source')
    .option('--json', 'as JSON')
    .action(async (options: BenchOptions) => {
      const { benchCommand } = await import('./commands/bench.ts')
      exitCode = await benchCommand(options)
    })
  program
    .command('systemd')
    .description('print a systemd unit for a configuration and this host')
    .option(...CONFIG_OPTION)
    .option('--user <name>', 'who it runs as', 'spillway')
    .action(async (options: SystemdOptions) => {
      const { systemdCommand } = await import('./commands/systemd.ts')
      exitCode = systemdCommand(options)
    })
  const journal = program.command('journal').description('look at the journal, also while a collector runs')
  journal
    .command('ls')
    .description('segments, and where the sinks stand')
    .option(...CONFIG_OPTION)
    .option('--json', 'as JSON')
    .action(async (options: JournalOptions) => {
      const { journalLsCommand } = await import('./commands/journal/ls.ts')
      exitCode = await journalLsCommand(options)
    })
  journal
    .command('verify')
    .description('read everything and name what is damaged')
    .option(...CONFIG_OPTION)
    .option('--json', 'as JSON')
    .action(async (options: JournalOptions) => {
      const { journalVerifyCommand } = await import('./commands/journal/verify.ts')
      exitCode = await journalVerifyCommand(options)
    })
  journal
    .command('cat')
    .description('events, one a line')
    .option(...CONFIG_OPTION)
    .option('--from <sequence>', 'from this frame on')
    .option('--count <n>', 'so many events at most')
    .option('--sink <name>', 'only what this sink still has to settle')
    .option('--source <name>', 'only events of this source')
    .option('--ids', 'as {"id": ..., "event": ...}')
    .action(async (options: CatOptions) => {
      const { journalCatCommand } = await import('./commands/journal/cat.ts')
      exitCode = await journalCatCommand(options)
    })
  journal
    .command('detach')
    .description('give up what is kept for a sink that has left the configuration')
    .argument('<sink>', 'its name')
    .option(...CONFIG_OPTION)
    .option('--json', 'as JSON')
    .action(async (sink: string, options: JournalOptions) => {
      const { journalDetachCommand } = await import('./commands/journal-detach.ts')
      exitCode = await journalDetachCommand(sink, options)
    })
  addDlqCommands(program, (code) => void (exitCode = code))
  program
    .command('audit')
    .description('recompute the ledger from what is on disk, also while a collector runs')
    .option(...CONFIG_OPTION)
    .option('--json', 'as JSON')
    .action(async (options: JournalOptions) => {
      const { auditCommand } = await import('./commands/audit.ts')
      exitCode = await auditCommand(options)
    })
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? 0 : EXIT_USAGE
  }
  return exitCode
}

/** The values of an option that may be repeated. */
function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

const exitCode = await main(process.argv.slice(2))
process.exit(exitCode === 0 ? process.exitCode : exitCode)
