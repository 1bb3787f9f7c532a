/** A configuration file, or the embedded default, to the frozen configuration of a run. */
import { closeSync, openSync, readSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { spwError } from '../../base/errors.ts'
import { MIB } from '../../base/units.ts'
import type { HostCpus } from '../pinning/host-cpus.ts'
import { ConfigBuilder } from './build.ts'
import { DEFAULT_CONFIG_NAME, defaultConfigText } from './default-config.ts'
import { shortReasonOf } from './interpolate.ts'
import type { Surroundings } from './interpolate.ts'
import { ProblemList } from './problems.ts'
import type { ShownMap } from './resolve.ts'
import type { ResolvedConfig } from './root.ts'
import { parseTree } from './tree.ts'

/** The host that a configuration is for; tests bring their own. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Cores that are available to the process. */
  readonly cores: number
  /** CPUs that threads can be bound to; asked only where they are to be. Null where they can't be. */
  readonly cpus?: () => HostCpus | null
}

export interface LoadedConfig {
  /** Where it came from, as the user wrote it. */
  readonly file: string
  readonly config: ResolvedConfig
  /** The same under the user's names, with defaults filled in and secrets left out: the only form to show or log. */
  readonly shown: Readonly<ShownMap>
}

const CONFIG_FILE_BYTES_MAX = MIB

/**
 * Loads and checks a configuration; without a file, the embedded default.
 *
 * @throws SpillwayError SPW_ERR_CONFIG_UNREADABLE, or SPW_ERR_CONFIG_INVALID with all that is wrong in its message
 *   and, as `Problem[]`, in `details.problems`.
 */
export function loadConfig(file: string | undefined, host: Host = thisHost()): LoadedConfig {
  if (file === undefined) return parseConfig(defaultConfigText, DEFAULT_CONFIG_NAME, host.cwd, host)
  const path = resolve(host.cwd, file)
  let text: string
  try {
    text = readText(path, CONFIG_FILE_BYTES_MAX)
  } catch (error) {
    throw spwError('SPW_ERR_CONFIG_UNREADABLE', { file, reason: shortReasonOf(error) }, { cause: error })
  }
  return parseConfig(text, file, dirname(path), host)
}

/** Checks the text of a configuration; `file` is the name for messages, relative paths start at `baseDir`. */
export function parseConfig(text: string, file: string, baseDir: string, host: Host): LoadedConfig {
  return resolveText(text, new ProblemList(file), baseDir, host)
}

const OBJECT_NAME = '(createCollector)'

/** Checks a configuration that a program made, of the same shape as a file's; relative paths start at `host.cwd`. */
export function checkConfig(settings: object, host: Host = thisHost()): LoadedConfig {
  // JSON is YAML. Where in this text something is wrong would tell nobody anything.
  const problems = new ProblemList(OBJECT_NAME, { placed: false })
  return resolveText(JSON.stringify(settings), problems, host.cwd, host)
}

function resolveText(text: string, problems: ProblemList, baseDir: string, host: Host): LoadedConfig {
  const surroundings: Surroundings = { env: host.env, baseDir, readText }
  const root = parseTree(text, problems, surroundings)
  const built =
    root === undefined
      ? undefined
      : new ConfigBuilder(root, problems, surroundings).build(host.cores, host.cpus)
  if (built === undefined) throw problems.toError()
  return { file: problems.file, ...built }
}

function thisHost(): Host {
  return { env: process.env, cwd: process.cwd(), cores: availableParallelism() }
}

/** Reads up to a limit, so that an endless file, such as a device or a pipe, does no harm. */
function readText(path: string, maxBytes: number): string {
  const bytes = Buffer.alloc(maxBytes + 1)
  const descriptor = openSync(path, 'r')
  let length = 0
  try {
    while (length < bytes.length) {
      const count = readSync(descriptor, bytes, length, bytes.length - length, null)
      if (count === 0) break
      length += count
    }
  } finally {
    closeSync(descriptor)
  }
  if (length > maxBytes) throw new Error(`longer than ${maxBytes} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
  } catch (error) {
    throw new Error('not UTF-8', { cause: error })
  }
}
