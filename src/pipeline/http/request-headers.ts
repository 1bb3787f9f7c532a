import { Buffer } from 'node:buffer'
import type { ClientConfig } from './client-config.ts'

/** Headers of every request. Names in lower case, so that a header of the user's takes the place of ours. */
export function requestHeaders(
  { headers, auth }: Pick<ClientConfig, 'headers' | 'auth'>,
  version: string,
): Record<string, string> {
  const fixed: Record<string, string> = { 'user-agent': `spillway/${version}` }
  if (auth?.bearer !== undefined) fixed['authorization'] = `Bearer ${auth.bearer}`
  if (auth?.apiKey !== undefined) fixed['authorization'] = `ApiKey ${auth.apiKey}`
  if (auth?.basic !== undefined) {
    const { username, password } = auth.basic
    fixed['authorization'] = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }
  for (const [name, value] of Object.entries(headers)) fixed[name.toLowerCase()] = value
  return fixed
}
