/** syslog-ng, in the ways that it sends. */
import t from 'tap'
import { SyslogRig } from '../sources/syslog/fixtures/syslog-rig.ts'
import { throughKill } from './fixtures/kill.ts'
import { lacks } from './fixtures/program.ts'
import { startSyslogNg } from './fixtures/relay.ts'
import { throughFullPhase, throughRestart } from './fixtures/scenarios.ts'
import type { Subject, Transport } from './fixtures/scenarios.ts'
import { richEvent, richLine, structuredData, timestampOfSecond } from './fixtures/rich-line.ts'

const skip = lacks('syslog-ng')

// Each has a client and collectors of its own, and waits for them most of its time.
t.jobs = 3

t.test('fields', { skip }, async (t) => {
  const rig = await SyslogRig.start(t)
  const cases: [destination: string, rich: boolean][] = [
    [`network("127.0.0.1" transport("udp") port(${rig.port('net_udp')}))`, false],
    [`network("127.0.0.1" transport("tcp") port(${rig.port('net')}))`, false],
    [`network("127.0.0.1" transport("tcp") port(${rig.port('net')}) flags(syslog-protocol))`, true],
    [`syslog("127.0.0.1" transport("udp") port(${rig.port('net_udp')}))`, true],
    [`syslog("127.0.0.1" transport("tcp") port(${rig.port('net')}))`, true],
  ]
  const { inputs } = await startSyslogNg(
    t,
    cases.map(([destination]) => destination),
  )
  for (const [n, [destination, rich]] of cases.entries()) {
    await inputs[n]!.lines([richLine])
    const event = (await rig.events(n + 1))[n]
    // It counts what it sends, in an element of its own.
    const added = { meta: { sequenceId: '1' } }
    const payload = rich ? { msg_id: 'ID47', structured_data: { ...structuredData, ...added } } : {}
    t.same(event, richEvent(timestampOfSecond, payload), destination)
  }
})

const ways: [driver: string, transport: Transport][] = [
  ['network', 'udp'],
  ['network', 'tcp'],
  ['syslog', 'udp'],
  ['syslog', 'tcp'],
]

const subjects = ways.map(([driver, transport]): [string, Subject] => [
  `${driver}(), ${transport}`,
  {
    transport,
    async start(test, port) {
      const destination = `${driver}("127.0.0.1" transport("${transport}") port(${port}))`
      const { inputs } = await startSyslogNg(test, [destination])
      return inputs[0]!
    },
  },
])

for (const [what, subject] of subjects) {
  t.test(`a restart of the collector: ${what}`, { skip }, async (t) => {
    await throughRestart(t, subject)
  })
}

for (const [what, subject] of subjects) {
  t.test(`a full phase: ${what}`, { skip }, async (t) => {
    await throughFullPhase(t, subject)
  })
}

t.test('a collector that is killed', { skip }, async (t) => {
  const [, subject] = subjects.at(-1)!
  const { lost, onTheWay } = await throughKill(t, subject)
  t.ok(lost <= onTheWay + 1, `at most ${onTheWay.toFixed(1)} are lost`)
})
