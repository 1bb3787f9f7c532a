/** Deterministic SOC events for the scan benchmark and for the test that none of them needs the slow path. */

import { memoryOf } from '../src/memory/web-assembly.ts'
import type { SharedMemory } from '../src/memory/web-assembly.ts'

/** A seeded generator of numbers in [0, 1): a 32-bit xorshift with a final multiplication. */
function seeded(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (Math.imul(state, 0x9e3779b1) >>> 0) / 2 ** 32
  }
}

const KINDS = [
  'auth.login.failure',
  'auth.login.success',
  'process.create',
  'net.connection',
  'dns.query',
  'file.write',
  'registry.set',
  'malware.detected',
  'ids.alert',
  'firewall.deny',
  'proxy.request',
  'usb.insert',
]
const USERS = [
  'alice',
  'svc-backup',
  'root',
  'SYSTEM',
  'j.doe',
  'j.müller',
  'admin',
  'CORP\\svc_web',
  'k.sato',
]
const COMMANDS = [
  '/usr/bin/wget -q https://mirror.example.org/',
  '/usr/sbin/sshd -D -e ',
  'C:\\Windows\\System32\\cmd.exe /c ',
  'powershell.exe -nop -w hidden -enc ',
  '/usr/bin/perl -e "print ',
  "/bin/sh -c 'id;",
  'rundll32.exe user32.dll,LockWorkStation ',
  '/opt/agent/bin/collector --id=',
]
const LABELS = [
  'edr',
  'siem',
  'lateral',
  'T1059',
  'T1078',
  'T1021.004',
  'vip',
  'dmz',
  'prod',
  'pci',
  'beacon',
]
const PLACES = [
  ['DE', 'Köln', 50.9375, 6.9603],
  ['US', 'Ashburn', 39.0438, -77.4874],
  ['JP', '大阪', 34.6937, 135.5023],
  ['BR', 'São Paulo', -23.5505, -46.6333],
  ['IE', 'Dublin', 53.3498, -6.2603],
] as const
const FOLDERS = [
  'Program Files',
  'Windows',
  'System32',
  'Users',
  'AppData',
  'Local',
  'Temp',
  'drivers',
  'config',
]

export interface EventSet {
  /** The lines, each ended by LF, and 64 bytes of LF behind them. */
  readonly memory: SharedMemory
  /** Of the memory. */
  readonly bytes: Uint8Array
  /** Bytes of the lines with their LFs. */
  readonly length: number
  readonly count: number
}

/** The line generators of the three shapes of event. */
export const eventShapes = {
  /** About 375 bytes: some escapes, some text that is not ASCII. */
  plain: (random: () => number, index: number): string => JSON.stringify(socEvent(random, index)),
  /** About 4 KiB: long texts and longer lists. */
  long: (random: () => number, index: number): string => {
    const event = socEvent(random, index)
    const words = (count: number): string =>
      Array.from({ length: count }, () => pick(random, KINDS) + ' ' + pick(random, USERS)).join(', ')
    Object.assign(event.raw_payload, {
      message: words(60),
      modules: Array.from({ length: 12 }, () => ({ name: pick(random, LABELS), sha256: hex(random, 64) })),
      details: { reason: words(20), rule: words(4) },
    })
    return JSON.stringify(event)
  },
  /** About 550 bytes, a backslash pair every few characters, as Windows paths have it. */
  escapes: (random: () => number, index: number): string => {
    const event = socEvent(random, index)
    const path = (): string =>
      'C:\\' +
      Array.from({ length: 6 }, () => pick(random, FOLDERS)).join('\\') +
      '\\' +
      hex(random, 6) +
      '.exe'
    Object.assign(event.raw_payload, { image: path(), parent_image: path(), cmdline: `"${path()}" /q` })
    return JSON.stringify(event)
  },
}

export function makeEvents(
  shape: keyof typeof eventShapes,
  count: number,
  seed = 1,
): EventSet & { readonly lines: readonly string[] } {
  const random = seeded(seed)
  const lines = Array.from({ length: count }, (_, index) => eventShapes[shape](random, index))
  return { ...eventsOf(Buffer.from(lines.join('\n') + '\n')), lines }
}

/** The events of lines that others wrote. */
export function eventsOf(text: Uint8Array): EventSet {
  const memory = memoryOf(text)
  const count = text.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 0)
  return { memory, bytes: new Uint8Array(memory.buffer), length: text.length, count }
}

function socEvent(random: () => number, index: number): Record<string, unknown> & { raw_payload: object } {
  const integer = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1))
  const [country, city, lat, lon] = pick(random, PLACES)
  return {
    timestamp: new Date(Date.UTC(2026, 0, 15, 8) + index * 7 + integer(0, 6)).toISOString(),
    source_ip:
      random() < 0.06
        ? `2001:db8:${hex(random, 4)}::${hex(random, 3)}`
        : `10.${integer(0, 255)}.${integer(0, 255)}.${integer(1, 254)}`,
    event_type: pick(random, KINDS),
    severity: integer(0, 10),
    seq: 1_000_000_000 + index,
    raw_payload: {
      user: pick(random, USERS),
      host: `ws-${pick(random, ['fra', 'nyc', 'tyo', 'gru'])}-${integer(1, 9999)}`,
      pid: integer(2, 65_535),
      cmdline: pick(random, COMMANDS) + hex(random, integer(4, 16)),
      bytes_in: integer(0, 500_000),
      bytes_out: integer(0, 900_000),
      tags: Array.from({ length: integer(1, 2) }, () => pick(random, LABELS)),
      geo: { country, city, lat, lon },
    },
  }
}

function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!
}

function hex(random: () => number, digits: number): string {
  let text = ''
  while (text.length < digits)
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return text.slice(0, digits)
}
