import t from 'tap'
import type { PeerResult } from '../../../bench/peers/results.ts'
import { ratios } from '../../../bench/peers/results.ts'
import { peersTable } from '../../../bench/peers/table.ts'

const environment = {
  cpu: 'a processor',
  cores: 2,
  node: 'v24',
  commit: 'abc',
  load: 'own threads',
} as PeerResult['environment']

function result(
  program: string,
  startedAt: string,
  cpu: number,
  others: Partial<PeerResult> = {},
): PeerResult {
  const figures = { cpu_s_per_million: cpu, lost: 0, duplicates: 0, strange: 0, times_durable: cpu / 2 }
  const base = { case: 'tcp-2', round: 0, tiny: false, version: '1.0', environment, figures }
  return { ...base, program, startedAt, ...others }
}

t.test('a row for each program, of its last start, with what was not there', async (t) => {
  const text = peersTable([
    result('spillway, durable', '1', 9),
    result('rsyslogd', '1', 90),
    result('spillway, durable', '2', 2),
    result('rsyslogd', '2', 20),
    result('rsyslogd', '2', 30, { error: 'it does not listen', figures: {} }),
    result('rsyslogd', '2', 22, { round: 1 }),
    result('rsyslogd', '2', 21, { round: 2 }),
  ])!
  t.match(text, '| tcp-2 | spillway, durable | 1 | 2.00 | 1.0 |')
  t.match(text, '| tcp-2 | rsyslogd | 3 | 21.00 [20.00-22.00] | 10.5 [10.0-11.0] | - |')
  t.match(text, /Not on this machine: .*vector/)
  t.match(text, /- rsyslogd \(1\.0\) checks /)
  t.equal(peersTable([]), null)
})

t.test('a ratio is by the runs on both sides', async (t) => {
  const beside = [
    { mode: 'disk', figures: { cpu_s_per_million: 4 } },
    { mode: 'memory', figures: { cpu_s_per_million: 2 } },
  ] as const
  t.strictSame(ratios({ cpu_s_per_million: 8 }, beside), { times_durable: 2, times_memory: 4 })
  t.strictSame(ratios({ cpu_s_per_million: null }, beside), { times_durable: null, times_memory: null })
  t.strictSame(ratios({ cpu_s_per_million: 8 }, beside.slice(0, 1)), { times_durable: 2, times_memory: null })
})
