/** The parts of a run, made from its plan. */
import { randomInt } from 'node:crypto'
import type { Connection } from './connection.ts'
import { FileSupply } from './file-supply.ts'
import { HttpConnection } from './http-connection.ts'
import type { SendPlan } from './plan.ts'
import { SyntheticSupply } from './supply.ts'
import type { Supply } from './supply.ts'
import type { Tally } from './tally.ts'
import { TcpConnection } from './tcp-connection.ts'
import { FIRST_NUMBER, makeTemplates } from './template.ts'
import { UdpConnection } from './udp-connection.ts'

/** Different events, about; more than a processor learns by heart. */
const TEMPLATES = 2000

export function makeConnections(plan: SendPlan, tally: Tally, stop: AbortSignal): Connection[] {
  return Array.from({ length: plan.connections }, () => makeConnection(plan, tally, stop))
}

function makeConnection({ target, headers, gzip }: SendPlan, tally: Tally, stop: AbortSignal): Connection {
  const { kind, url, host, port } = target
  if (kind === 'http') return new HttpConnection({ url, headers, gzip, tally, stop })
  const options = { to: url.href, host, port, tally }
  return kind === 'syslog+udp' ? new UdpConnection(options) : new TcpConnection(options)
}

/** @throws SpillwayError SPW_ERR_SEND_FILE */
export async function makeSupply({ file, format, framing, looped }: SendPlan): Promise<Supply> {
  if (file !== null) return await FileSupply.open(file, framing, looped)
  return new SyntheticSupply({
    format,
    templates: makeTemplates({ format, framing, seed: randomInt(2 ** 32), count: TEMPLATES }),
    firstNumber: FIRST_NUMBER,
    wallClock: () => Date.now(),
  })
}
