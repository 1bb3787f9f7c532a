import { deepEqual, equal } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Collector } from '../../src/app/collector.ts'
import { parseConfig } from '../../src/app/config/load.ts'
import type { FileIo } from '../../src/base/file-io.ts'
import { createLogger } from '../../src/telemetry/logger.ts'

/** An empty directory that is removed after the test. */
export function temporaryDirectory(test: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'spillway-test-'))
  test.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/**
 * A running collector over a configuration text, with its data in a directory of its own; stopped after the test, when
 * its ledger must balance. Its journal is in memory unless the text says otherwise.
 */
export async function startCollector(
  test: Test,
  text: string,
  options: {
    workerFile?: string
    deadLetterIo?: FileIo
    journalIo?: FileIo
    directory?: string
    /** It stops with work that it could not finish: slabs stay taken. */
    unfinished?: boolean
  } = {},
): Promise<Collector> {
  const directory = options.directory ?? temporaryDirectory(test)
  const host = { env: process.env, cwd: directory, cores: 2 }
  const journal = /^journal:/m.test(text) ? '' : 'journal: { mode: memory }'
  const whole = `${text}\n${journal}\nadmin: { listen: 127.0.0.1:0 }\n`
  const { config } = parseConfig(whole, 'test.yaml', directory, host)
  const logger = createLogger({ level: process.env.TEST_LOG_LEVEL ?? 'silent' })
  const collector = new Collector(config, {
    logger,
    ...(options.workerFile === undefined ? undefined : { workerFile: options.workerFile }),
    ...(options.deadLetterIo === undefined ? undefined : { deadLetterIo: options.deadLetterIo }),
    ...(options.journalIo === undefined ? undefined : { journalIo: options.journalIo }),
  })
  test.teardown(async () => {
    await collector.stop()
    // Too late for assertions of the test: these throw.
    deepEqual(collector.ledger.imbalances(), [], 'the ledger balances')
    if (options.unfinished !== true)
      equal(collector.topology.pool.freeCount, collector.topology.arena.slabCount, 'all slabs are back')
  })
  await collector.start()
  return collector
}
