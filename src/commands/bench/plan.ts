/** From the options of `spillway bench` to what is measured, or one error that says what is wrong. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { spwError } from '../../base/errors.ts'
import { parseBytes, parseDurationMs } from '../../base/units.ts'
import type { SchemaSpec } from '../../schema/spec.ts'
import { baseConfig } from './recommend.ts'
import type { BaseConfig } from './recommend.ts'
import {
  EVENT_BYTES_DEFAULT,
  EVENT_BYTES_MAX,
  EVENT_BYTES_MIN,
  madeSample,
  sampleOfFile,
} from './sample-events.ts'
import type { Sample } from './sample-events.ts'

/** As commander has them. */
export interface BenchOptions extends Readonly<
  Partial<Record<'config' | 'dir' | 'duration' | 'eventBytes' | 'file', string>>
> {
  readonly json?: boolean
}

/** How long each part takes, together the time that was asked for, but for what starts and stops. */
export interface BenchBudget {
  readonly diskMs: number
  readonly loopbackMs: number
  readonly scannerMs: number
  readonly rehearsalMs: number
}

export interface BenchPlan {
  readonly base: BaseConfig
  /** There, and on the disk that is measured. */
  readonly directory: string
  /** As the user named it; null: that of the configuration. */
  readonly dataDir: string | null
  readonly budget: BenchBudget
  readonly sample: Sample
  readonly schema: { readonly name: string; readonly spec: SchemaSpec; readonly written: unknown }
}

const DURATION_MS_DEFAULT = 15_000
const DURATION_MS_MIN = 2000
const DURATION_MS_MAX = 600_000

/** @throws SpillwayError SPW_ERR_OPTION_INVALID, SPW_ERR_SEND_FILE, and as `loadConfig` does. */
export function benchPlan({ config, dir, duration, eventBytes, file }: BenchOptions): BenchPlan {
  const base = baseConfig(config)
  const { dataDir } = base.loaded.config
  if (file !== undefined && eventBytes !== undefined)
    throw invalid('--event-bytes', 'events of a file have the size that they have')
  return {
    base,
    directory: dir === undefined ? nearestThatExists(dataDir) : existing(dir),
    dataDir: dir === undefined ? null : resolve(dir),
    budget: budgetOf(durationMsOf(duration)),
    sample: file === undefined ? madeSample(eventBytesOf(eventBytes)) : sampleOfFile(file),
    schema: schemaOf(base, file !== undefined),
  }
}

function invalid(option: string, reason: string) {
  return spwError('SPW_ERR_OPTION_INVALID', { option, reason })
}

/** A `data_dir` that was never used is made by the first start; until then its disk is that of a directory above. */
function nearestThatExists(directory: string): string {
  let nearest = directory
  while (!existsSync(nearest)) nearest = dirname(nearest)
  return nearest
}

function existing(directory: string): string {
  if (!existsSync(directory)) throw invalid('--dir', `there is no directory ${directory}`)
  return resolve(directory)
}

function durationMsOf(text: string | undefined): number {
  if (text === undefined) return DURATION_MS_DEFAULT
  const durationMs = parseDurationMs(text)
  if (durationMs === undefined || durationMs < DURATION_MS_MIN || durationMs > DURATION_MS_MAX)
    throw invalid('--duration', `${text} is no time from 2s to 10m, such as 15s`)
  return durationMs
}

function budgetOf(durationMs: number): BenchBudget {
  return {
    diskMs: 0.25 * durationMs,
    loopbackMs: 0.1 * durationMs,
    scannerMs: 0.1 * durationMs,
    rehearsalMs: 0.55 * durationMs,
  }
}

function eventBytesOf(text: string | undefined): number {
  if (text === undefined) return EVENT_BYTES_DEFAULT
  const bytes = parseBytes(text)
  if (bytes === undefined || bytes < EVENT_BYTES_MIN || bytes > EVENT_BYTES_MAX)
    throw invalid('--event-bytes', `${text} is no size from ${EVENT_BYTES_MIN}B to 256KiB, such as 4KiB`)
  return bytes
}

/** Made events are events of `soc`; those of a file are judged as the first source judges what comes. */
function schemaOf({ loaded }: BaseConfig, ofFile: boolean): BenchPlan['schema'] {
  const { config, shown } = loaded
  const name = ofFile ? config.sources[0]!.schema : 'soc'
  return { name, spec: config.schemas[name]!, written: ofFile ? shown['schemas'] : undefined }
}
