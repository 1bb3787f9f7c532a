import { once } from 'node:events'
import type { Server } from 'node:net'

/** Resolves to the port, which the system chooses. */
export async function listenOnLoopback(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}
