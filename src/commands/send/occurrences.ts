/** What happens in a made-up company: the content of synthetic events, as `soc` fields and as syslog. */

/** Chooses at random; `seed` decides what. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to n - 1: a Weyl sequence, scrambled. */
  below(n: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let scrambled = Math.imul(this.#state ^ (this.#state >>> 16), 0x85ebca6b)
    scrambled = Math.imul(scrambled ^ (scrambled >>> 13), 0xc2b2ae35)
    return ((scrambled ^ (scrambled >>> 16)) >>> 0) % n
  }

  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!
  }
}

export interface Occurrence {
  readonly eventType: string
  /** 0 (emergency) to 7 (debug). */
  readonly syslogSeverity: number
  readonly facility: number
  readonly program: string
  readonly processId: number
  readonly host: string
  readonly sourceIp: string
  readonly user: string
  readonly message: string
  readonly details: Readonly<Record<string, string | number>>
}

const AUTH = 10
const DAEMON = 3
const LOCAL0 = 16

const USERS = [
  'ada',
  'grace',
  'linus',
  'edsger',
  'barbara',
  'svc-backup',
  'svc-deploy',
  'root',
  'jürgen',
  'administrator',
]
const HOSTS = [
  'web-01',
  'web-02',
  'db-01',
  'vpn-01',
  'mail-01',
  'dc-01',
  'build-03',
  'laptop-117',
  'laptop-204',
  'fw-edge',
]
const DOMAINS = [
  'updates.example.com',
  'cdn.example.net',
  'xk3f9.example.org',
  'login.example.com',
  'mail.example.net',
]
const PROGRAMS = [
  '/usr/bin/curl',
  '/usr/bin/python3',
  'C:\\Windows\\System32\\cmd.exe',
  '/usr/sbin/nginx',
  '/bin/bash',
]
const FILES = [
  '/etc/passwd',
  '/etc/shadow',
  '/srv/share/payroll.xlsx',
  'C:\\Users\\ada\\report.docx',
  '/var/www/html/x.php',
]
const PORTS = [22, 53, 80, 443, 445, 3389, 8080]

/** Addresses inside, and in the ranges for documentation (RFC 5737). */
function address(dice: Dice): string {
  const network = dice.of(['10.20.', '10.31.', '192.0.2.', '198.51.100.', '203.0.113.'])
  const host = 1 + dice.below(254)
  return network.startsWith('10.') ? `${network}${dice.below(256)}.${host}` : `${network}${host}`
}

interface Kind {
  readonly eventType: string
  readonly syslogSeverity: number
  readonly facility: number
  readonly program: string
  /** How often, in relation to the others. */
  readonly weight: number
  readonly details: (dice: Dice) => Record<string, string | number>
  readonly message: (user: string, from: string, details: Readonly<Record<string, string | number>>) => string
}

const kinds: readonly Kind[] = [
  {
    eventType: 'login_succeeded',
    syslogSeverity: 6,
    facility: AUTH,
    program: 'sshd',
    weight: 6,
    details: (dice) => ({ method: dice.of(['password', 'publickey']), port: 1024 + dice.below(60_000) }),
    message: (user, from, { method, port }) =>
      `Accepted ${method} for ${user} from ${from} port ${port} ssh2`,
  },
  {
    eventType: 'login_failed',
    syslogSeverity: 4,
    facility: AUTH,
    program: 'sshd',
    weight: 5,
    details: (dice) => ({ attempts: 1 + dice.below(6), port: 1024 + dice.below(60_000) }),
    message: (user, from, { port }) => `Failed password for ${user} from ${from} port ${port} ssh2`,
  },
  {
    eventType: 'firewall_denied',
    syslogSeverity: 5,
    facility: LOCAL0,
    program: 'fw',
    weight: 8,
    details: (dice) => ({
      destination_ip: address(dice),
      destination_port: dice.of(PORTS),
      protocol: dice.of(['tcp', 'udp']),
    }),
    message: (_user, from, details) =>
      `DENY ${details['protocol']} ${from} -> ${details['destination_ip']}:${details['destination_port']} rule=edge-17`,
  },
  {
    eventType: 'dns_query',
    syslogSeverity: 7,
    facility: DAEMON,
    program: 'named',
    weight: 8,
    details: (dice) => ({ query: dice.of(DOMAINS), query_type: dice.of(['A', 'AAAA', 'TXT']) }),
    message: (_user, from, { query, query_type: type }) => `client ${from}: query: ${query} IN ${type} +E`,
  },
  {
    eventType: 'process_started',
    syslogSeverity: 6,
    facility: DAEMON,
    program: 'auditd',
    weight: 6,
    details: (dice) => ({ executable: dice.of(PROGRAMS), parent_pid: 300 + dice.below(30_000) }),
    message: (user, _from, { executable, parent_pid: parent }) =>
      `exec ${executable} by "${user}" ppid=${parent}`,
  },
  {
    eventType: 'file_read',
    syslogSeverity: 6,
    facility: DAEMON,
    program: 'auditd',
    weight: 4,
    details: (dice) => ({ path: dice.of(FILES), bytes: dice.below(5_000_000) }),
    message: (user, _from, { path, bytes }) => `open path="${path}" user="${user}" bytes=${bytes}`,
  },
  {
    eventType: 'privilege_escalated',
    syslogSeverity: 3,
    facility: AUTH,
    program: 'sudo',
    weight: 1,
    details: (dice) => ({ command: dice.of(PROGRAMS), target_user: 'root' }),
    message: (user, _from, { command }) => `${user} : TTY=pts/0 ; USER=root ; COMMAND=${command}`,
  },
  {
    eventType: 'malware_detected',
    syslogSeverity: 1,
    facility: LOCAL0,
    program: 'edr',
    weight: 1,
    details: (dice) => ({
      signature: dice.of(['Trojan.Generic.17', 'Ransom.Locker', 'Miner.X']),
      path: dice.of(FILES),
    }),
    message: (_user, _from, { signature, path }) => `quarantined ${signature} in ${path}`,
  },
]

const drawn: readonly Kind[] = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind))

/** Something that happened, the same for the same dice. */
export function makeOccurrence(dice: Dice): Occurrence {
  const kind = dice.of(drawn)
  const { eventType, syslogSeverity, facility, program } = kind
  const user = dice.of(USERS)
  const sourceIp = address(dice)
  const details = kind.details(dice)
  const message = kind.message(user, sourceIp, details)
  const host = dice.of(HOSTS)
  return {
    eventType,
    syslogSeverity,
    facility,
    program,
    processId: 300 + dice.below(32_000),
    host,
    sourceIp,
    user,
    message,
    details,
  }
}
