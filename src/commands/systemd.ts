import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { loadConfig } from '../app/config/load.ts'
import { SpillwayError, spwError } from '../base/errors.ts'
import { unitText } from './systemd/unit.ts'

export interface SystemdOptions {
  readonly config?: string
  readonly user?: string
}

/** As useradd(8) takes them. */
const USER = /^[a-z_][a-z0-9_-]{0,30}$/

/** `spillway systemd`: prints a unit for a configuration and this host. Returns the exit code. */
export function systemdCommand({ config: file, user = 'spillway' }: SystemdOptions): 0 | 1 | 2 {
  try {
    if (!USER.test(user))
      throw spwError('SPW_ERR_OPTION_INVALID', { option: '--user', reason: `${user} is no user name` })
    const { config } = loadConfig(file)
    const unit = unitText(config, {
      node: process.execPath,
      launcher: realpathSync(process.argv[1]!),
      configFile: file === undefined ? null : resolve(file),
      workingDirectory: process.cwd(),
      user,
    })
    process.stdout.write(unit)
    return 0
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    process.stderr.write(`${error.message}\n`)
    return error.exitCode
  }
}
