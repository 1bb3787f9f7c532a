/** The command line of `spillway dlq`. Each command is imported when it is called. */
import type { Command } from 'commander'
import type { ExportOptions } from './export.ts'
import type { LsOptions } from './ls.ts'
import type { PurgeOptions } from './purge.ts'
import type { ReplayOptions } from './replay.ts'
import type { ShowOptions } from './show.ts'

const IDS = ['[ids...]', 'of single letters, such as push.00000001:17'] as const

/** `done` is told the exit code. */
export function addDlqCommands(program: Command, done: (exitCode: number) => void): Command {
  const dlq = program
    .command('dlq')
    .description('look at dead letters, replay them, take them out of the queue, also while a collector runs')
  letterCommand(dlq, 'ls', 'how many there are, of what kind, and what fails most')
    .option('--by <grouping>', 'only by category, source, sink or hour')
    .option('--top <n>', 'so many of the failures (default: 10)')
    .option('--json', 'as JSON')
    .option('--no-color', 'no colours; so does NO_COLOR')
    .action(async (options: LsOptions) => {
      const { dlqLsCommand } = await import('./ls.ts')
      done(await dlqLsCommand(options))
    })
  letterCommand(dlq, 'show', 'single letters: who, when, why, and the record with what is wrong in it')
    .argument(...IDS)
    .option('--first <n>', 'the first so many (default: 1, without ids)')
    .option('--json', 'the letters and their ids, one a line')
    .option('--no-color', 'no colours; so does NO_COLOR')
    .action(async (ids: string[], options: ShowOptions) => {
      const { dlqShowCommand } = await import('./show.ts')
      done(await dlqShowCommand(ids, options))
    })
  letterCommand(dlq, 'export', 'letters and their ids as NDJSON, one a line')
    .argument(...IDS)
    .option('--max <n>', 'the first so many')
    .option('--records', 'only the records, as they were received')
    .option('-o, --output <file>', 'to a new file instead of standard output')
    .action(async (ids: string[], options: ExportOptions) => {
      const { dlqExportCommand } = await import('./export.ts')
      done(await dlqExportCommand(ids, options))
    })
  letterCommand(dlq, 'purge', 'give letters up for good, counted; without --yes says how many it would be')
    .argument(...IDS)
    .option('--max <n>', 'the first so many')
    .option('--all', 'everything there is')
    .option('--yes', 'do it')
    .option('--json', 'as JSON')
    .action(async (ids: string[], options: PurgeOptions) => {
      const { dlqPurgeCommand } = await import('./purge.ts')
      done(await dlqPurgeCommand(ids, options))
    })
  letterCommand(dlq, 'replay', 'send letters again, by the collector that runs, through the schemas of today')
    .argument(...IDS)
    .option('--max <n>', 'the first so many')
    .option('--all', 'everything there is')
    .option(
      '--to <sinks>',
      'to these sinks (default: as the letter says, or those that read its source)',
      collect,
    )
    .option('--schema <name>', 'by this schema (default: that of the source that it came in by)')
    .option('--rate <n>', 'events a second (default: 1k)')
    .option('--dry-run', 'only say what would go where')
    .option('--json', 'the result as JSON')
    .action(async (ids: string[], options: ReplayOptions) => {
      const { dlqReplayCommand } = await import('./replay.ts')
      done(await dlqReplayCommand(ids, options))
    })
  return dlq
}

/** A command with the options that every selection has. */
export function letterCommand(dlq: Command, name: string, description: string): Command {
  return dlq
    .command(name)
    .description(description)
    .option('-c, --config <file>', 'configuration file; default: the embedded one')
    .option('--category <names>', 'of these categories; names joined by commas, or repeated', collect)
    .option('--source <names>', 'of these sources', collect)
    .option('--sink <names>', 'given up for these sinks', collect)
    .option('--path <pointer>', 'that failed there, such as /severity or, in any element, /tags/*')
    .option('--reason <text>', 'with this in what was expected, or in what the destination said')
    .option('--since <time>', 'received since: 2h or 7d ago, or 2026-11-22T08:00:00Z')
    .option('--until <time>', 'received before')
}

/** The values of an option that may be repeated. */
function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
