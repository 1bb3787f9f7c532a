/** All of them, in the order in which they run. Another one: a folder like those, and a line here. */
import { fluentBit } from './fluent-bit/peer.ts'
import { logstash } from './logstash/peer.ts'
import { naiveNode } from './naive-node/peer.ts'
import { naivePython } from './naive-python/peer.ts'
import { otelcol } from './otelcol/peer.ts'
import type { Peer } from './peer.ts'
import { relay } from './relay/peer.ts'
import { rsyslogd } from './rsyslogd/peer.ts'
import { syslogNg } from './syslog-ng/peer.ts'
import { vector } from './vector/peer.ts'

export const peers: readonly Peer[] = [
  relay,
  naiveNode,
  naivePython,
  fluentBit,
  vector,
  otelcol,
  rsyslogd,
  syslogNg,
  logstash,
]
