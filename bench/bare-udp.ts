import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BareUdpCase, Figures } from './bench-case.ts'
import { SendingThread } from './load/sending-thread.ts'
import { Tally } from './load/tally.ts'
import { processUsage } from './process-usage.ts'

const RECEIVER = fileURLToPath(new URL('./bare-receiver.ts', import.meta.url))
const SETTLE_MS = 300
const POLL_MS = 100
/** What has not come so long after the last was sent is lost. */
const GIVE_UP_MS = 3000

/** One run: a fresh receiver, the datagrams, and what it took until the last was counted. */
export async function runBareUdp({ form, load, events }: BareUdpCase): Promise<Figures> {
  const tally = Tally.create(events)
  const receiver = fork(RECEIVER, { execArgv: [] })
  let sender: SendingThread | null = null
  try {
    const [port]: number[] = await once(receiver, 'message')
    await sleep(SETTLE_MS)
    const before = processUsage(receiver.pid!)
    const streams = [{ ...load, port: port!, firstIndex: 0, events }]
    sender = SendingThread.generate({ tally: tally.buffers, streams, form, malformedShare: 0 })
    const received = await allReceived(receiver, sender, events)
    const cpuS = processUsage(receiver.pid!).cpuS - before.cpuS
    const lastSentAtMs = sender.sent?.lastSentAtMs ?? null
    return {
      cpu_s_per_million: received === events ? (cpuS / events) * 1e6 : null,
      sent_per_s: lastSentAtMs === null ? null : (events * 1000) / (lastSentAtMs - tally.firstSentAtMs),
      lost: events - received,
    }
  } finally {
    await sender?.stop()
    if (receiver.connected) receiver.disconnect()
    await (receiver.exitCode === null && once(receiver, 'exit'))
  }
}

/* oxlint-disable no-await-in-loop -- it waits for others */
async function allReceived(receiver: ChildProcess, sender: SendingThread, events: number): Promise<number> {
  while (sender.sent === null) await sleep(POLL_MS)
  for (let triesLeft = GIVE_UP_MS / POLL_MS; ; triesLeft--) {
    receiver.send('count')
    const [received]: number[] = await once(receiver, 'message')
    if (received === events || triesLeft === 0) return received!
    await sleep(POLL_MS)
  }
}
