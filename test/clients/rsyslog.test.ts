/** rsyslog's omfwd, in the ways that it forwards. */
import t from 'tap'
import { SyslogRig } from '../sources/syslog/fixtures/syslog-rig.ts'
import { throughKill } from './fixtures/kill.ts'
import { lacks } from './fixtures/program.ts'
import { startRsyslog } from './fixtures/relay.ts'
import { throughFullPhase, throughRestart } from './fixtures/scenarios.ts'
import type { Subject, Transport } from './fixtures/scenarios.ts'
import { richEvent, richLine, structuredData, timestamp, timestampOfSecond } from './fixtures/rich-line.ts'

const skip = lacks('rsyslogd')

// Each has a client and collectors of its own, and waits for them most of its time.
t.jobs = 3

/** What remains of a message in each of its templates. */
const templates = [
  {
    template: 'RSYSLOG_SyslogProtocol23Format',
    time: timestamp,
    payload: { msg_id: 'ID47', structured_data: structuredData },
  },
  { template: 'RSYSLOG_ForwardFormat', time: timestamp, payload: {} },
  { template: 'RSYSLOG_TraditionalForwardFormat', time: timestampOfSecond, payload: {} },
]

t.test('fields', { skip }, async (t) => {
  const rig = await SyslogRig.start(t)
  const transports = {
    udp: `protocol="udp" port="${rig.port('net_udp')}"`,
    'tcp, line feeds': `protocol="tcp" port="${rig.port('net')}"`,
    'tcp, octet counting': `protocol="tcp" TCP_Framing="octet-counted" port="${rig.port('net')}"`,
  }
  const cases = templates.flatMap((form) =>
    Object.entries(transports).map(([transport, parameters]) => ({ form, transport, parameters })),
  )
  const { inputs } = await startRsyslog(
    t,
    cases.map(
      ({ form: { template }, parameters }) =>
        `action(type="omfwd" target="127.0.0.1" ${parameters} template="${template}")`,
    ),
  )
  for (const [n, { form, transport }] of cases.entries()) {
    const { template, time, payload } = form
    await inputs[n]!.lines([richLine])
    const event = (await rig.events(n + 1))[n]
    t.same(event, richEvent(time, payload), `${template} over ${transport}`)
  }
})

/**
 * In memory: with a file (disk-assisted) rsyslog 8.2302 loses single messages and keeps back others when its connection
 * breaks or stands still, whoever is at the other end.
 */
const QUEUE =
  'queue.type="LinkedList" queue.size="100000" action.resumeRetryCount="-1" action.resumeInterval="1"'

const ways: [what: string, transport: Transport, parameters: string][] = [
  ['udp', 'udp', ''],
  ['tcp, line feeds', 'tcp', ''],
  ['tcp, octet counting', 'tcp', 'TCP_Framing="octet-counted"'],
]

function subjectOf(transport: Transport, parameters: string): Subject {
  return {
    transport,
    async start(test, port) {
      const action = `action(type="omfwd" target="127.0.0.1" protocol="${transport}" port="${port}" ${parameters}
        template="RSYSLOG_SyslogProtocol23Format" ${QUEUE})`
      const { inputs } = await startRsyslog(test, [action])
      return inputs[0]!
    },
  }
}

for (const [what, transport, parameters] of ways) {
  t.test(`a restart of the collector: ${what}`, { skip }, async (t) => {
    await throughRestart(t, subjectOf(transport, parameters))
  })

  t.test(`a full phase: ${what}`, { skip }, async (t) => {
    await throughFullPhase(t, subjectOf(transport, parameters))
  })
}

// It may connect again before the dying process has closed its listener, and lose another kernel buffer of messages.
t.test('a collector that is killed', { skip }, async (t) => {
  await throughKill(t, subjectOf('tcp', 'TCP_Framing="octet-counted"'))
})
