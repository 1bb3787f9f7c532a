/** `spillway audit`: the ledger, recomputed from what is on disk. */
/* oxlint-disable no-await-in-loop -- one attempt after another */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { LedgerAudit } from './audit/ledger-audit.ts'
import type { Audited, AuditedLetters, Problem } from './audit/ledger-audit.ts'
import { lettersOnDisk } from './audit/letters.ts'
import { standardOutput, withJournal } from './journal/open-journal.ts'
import type { JournalOptions, JournalView, Output } from './journal/open-journal.ts'
import { table } from './journal/table.ts'
import { shownDamage } from './journal/verify.ts'
import { stateOf, walkLog } from './journal/walk-log.ts'

/** Beside a collector, state, segments and letters are read at moments that differ: what doesn't hold is read again. */
const ATTEMPTS = 4
const BETWEEN_ATTEMPTS_MS = 250

/** Prints the ledger and what doesn't hold. Resolves to the exit code: 1 where something doesn't. */
export function auditCommand(
  options: JournalOptions,
  output: Output = standardOutput,
  attempts: number = ATTEMPTS,
): Promise<0 | 1 | 2> {
  return withJournal(options, output, async (view) => {
    const audited = await audit(view, attempts)
    const balanced = audited.problems.length === 0
    output.out(
      options.json === true
        ? `${JSON.stringify({ balanced, ...audited }, undefined, 2)}\n`
        : shown(audited, balanced),
    )
    return balanced ? 0 : 1
  })
}

async function audit(view: JournalView, attempts: number): Promise<Audited> {
  for (let attempt = 1; ; attempt++) {
    const audited = await auditOnce(view)
    if (attempt === attempts || audited.problems.length === 0) return audited
    await pause(BETWEEN_ATTEMPTS_MS)
  }
}

/** The state first: what it tells of is in the log that is read behind it, and among the letters. */
async function auditOnce(view: JournalView): Promise<Audited> {
  const state = await stateOf(view)
  const ledger = new LedgerAudit(state)
  await walkLog(view, state, ledger)
  return ledger.finish(await lettersOnDisk(view.io, join(view.dataDir, 'dlq')))
}

function shown({ sources, sinks, deadLetters, problems, notes, damage }: Audited, balanced: boolean): string {
  const sourceRows = sources.map((one) => [
    one.name,
    one.received,
    one.accepted,
    one.rejected,
    one.shed,
    one.lost,
  ])
  const sinkRows = sinks.map((one) => [
    one.attached ? one.name : `${one.name} (has left)`,
    one.accepted,
    one.offered,
    one.filtered,
    one.delivered,
    one.held,
    one.deadLettered,
    one.discarded,
  ])
  const sinkHead = [
    'sink',
    'accepted',
    'offered',
    'filtered',
    'delivered',
    'held',
    'dead-lettered',
    'discarded',
  ]
  return [
    table(['source', 'received', 'accepted', 'rejected', 'shed', 'damaged'], sourceRows),
    '\n',
    table(sinkHead, sinkRows),
    '\n',
    letterTable(deadLetters),
    '\n',
    ...damage.map((one) => `segment ${one.segment} is damaged: ${shownDamage(one).trim()}\n`),
    ...notes.map((note) => `${line(note)}\n`),
    ...problems.map((problem) => `DOES NOT HOLD ${line(problem)}\n`),
    balanced ? 'the ledger balances\n' : 'the ledger does not balance\n',
  ].join('')
}

function letterTable(letters: AuditedLetters): string {
  const { found, counted, queued, replayed, purged, evicted } = letters
  const head = ['dead letters', 'found', 'counted', 'queued', 'replayed', 'purged', 'evicted']
  return table(head, [['', found, counted, queued, replayed, purged, evicted]])
}

function line({ where, what }: Problem): string {
  return `${where}: ${what}`
}
