/**
 * undici's Client and nothing else of it. The main file of the package makes itself the dispatcher of the process, which the
 * global `fetch` of the program around the library would use from then on, and takes twice as long to load.
 */
import { createRequire } from 'node:module'
import type { Client as UndiciClient } from 'undici'

const require = createRequire(import.meta.url)

// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const Client = loadClient() as typeof UndiciClient
export type Client = UndiciClient

/** The file is where it has been for years, but no documented path; without it the main file does. */
function loadClient(): unknown {
  try {
    return require('undici/lib/dispatcher/client.js')
  } catch {
    // oxlint-disable-next-line typescript/no-unsafe-member-access
    return require('undici').Client
  }
}
