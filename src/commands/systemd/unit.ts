/** A systemd unit for one configuration: what it may use follows from what the configuration says. */
import { dirname } from 'node:path'
import { memorySum, RUNTIME_BYTES } from '../../app/config/memory-sum.ts'
import type { ResolvedConfig } from '../../app/config/root.ts'
import { openFilesWanted } from '../../app/open-files.ts'
import { formatCpuList } from '../../app/pinning/cpu-list.ts'
import { KIB, MIB } from '../../base/units.ts'

/** Where things are on the host that the unit is for. */
export interface UnitHost {
  readonly node: string
  readonly launcher: string
  /** null: the embedded configuration. */
  readonly configFile: string | null
  readonly workingDirectory: string
  readonly user: string
}

/** Beside shutdown_timeout, which a stop keeps to: to end the process itself. */
const STOP_MARGIN_MS = 15_000
/**
 * Page cache counts as memory of the unit: the journal's newest bytes, which the kernel gives up when it needs to, and
 * dirty pages, which it must write first.
 */
const PAGE_CACHE_BYTES = 512 * MIB
/** Beside the workers: libuv's pool, V8's threads, taskset. */
const OTHER_TASKS = 64
/** Below it a port takes a capability. */
const FREE_PORT_MIN = 1024
const STATE_ROOT = '/var/lib/'

export function unitText(config: ResolvedConfig, host: UnitHost): string {
  const writable = writablePaths(config)
  const { state, others } = stateAndOthers(writable)
  const everything = [
    host.node,
    host.launcher,
    ...(host.configFile === null ? [] : [host.configFile]),
    ...writable,
  ]
  const lowPorts = portsOf(config).filter((port) => port > 0 && port < FREE_PORT_MIN)
  return [
    ...headLines(config, host, others),
    '[Unit]',
    'Description=Spillway log collector',
    'Wants=network-online.target',
    'After=network-online.target',
    '# It starts again for ever: what senders keep meanwhile is more than a unit that has given up.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${commandOf(host)}`,
    ...(host.configFile === null ? [`WorkingDirectory=${quoted(host.workingDirectory)}`] : []),
    `User=${host.user}`,
    '# Secrets that the configuration takes from the environment, NAME=value.',
    'EnvironmentFile=-/etc/spillway/environment',
    'Restart=on-failure',
    'RestartSec=1s',
    '# A configuration that is wrong stays so.',
    'RestartPreventExitStatus=2',
    '# The main process alone is asked to stop, and has shutdown_timeout for it.',
    'KillMode=mixed',
    'KillSignal=SIGTERM',
    `TimeoutStopSec=${Math.ceil((config.shutdownTimeoutMs + STOP_MARGIN_MS) / 1000)}s`,
    '',
    ...resourceLines(config),
    '',
    ...(state === null ? [] : [`StateDirectory=${state}`, 'StateDirectoryMode=0750']),
    ...(others.length === 0 ? [] : [`ReadWritePaths=${others.map(quoted).join(' ')}`]),
    ...hardeningLines(everything, lowPorts),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

function headLines(config: ResolvedConfig, host: UnitHost, others: readonly string[]): string[] {
  const made = others.map((path) => `#   install -d -o ${host.user} -m 0750 ${quoted(path)}`)
  return [
    '# Once:',
    `#   useradd --system --no-create-home --shell /usr/sbin/nologin ${host.user}`,
    ...made,
    '# then, and again after the configuration has changed, since limits and paths follow from it:',
    '#   spillway systemd -c FILE > /etc/systemd/system/spillway.service',
    '#   systemctl daemon-reload && systemctl enable --now spillway',
    ...(config.sources.some(({ type }) => type === 'stdin')
      ? ['# A unit has no standard input: sources of type stdin end at once.']
      : []),
    '',
  ]
}

function commandOf({ node, launcher, configFile }: UnitHost): string {
  const words = [node, launcher, 'run', ...(configFile === null ? [] : ['-c', configFile])]
  return words.map(commandWord).join(' ')
}

function resourceLines(config: ResolvedConfig): string[] {
  const { totalBytes } = memorySum(config)
  return [
    `# All connections at once, and files: sources' max_connections, sinks' concurrency.`,
    `LimitNOFILE=${Math.ceil(openFilesWanted(config) / KIB) * KIB}`,
    `# ${mib(totalBytes)} MiB as \`spillway check\` sums it up, ${mib(RUNTIME_BYTES)} for the runtime, ${mib(PAGE_CACHE_BYTES)} for page cache.`,
    `MemoryMax=${mib(totalBytes + RUNTIME_BYTES + PAGE_CACHE_BYTES)}M`,
    `TasksMax=${config.workers.max + OTHER_TASKS}`,
    ...affinityLines(config.cpuPinning),
  ]
}

/** Threads without a place of their own, V8's and libuv's, go wherever there is a gap, so among these. */
function affinityLines(pinning: ResolvedConfig['cpuPinning']): string[] {
  if (pinning === 'auto')
    return [
      '# cpu_pinning: auto chooses among the CPUs that the unit has: all, unless you name some.',
      '#CPUAffinity=0-3',
    ]
  if (pinning === 'off')
    return [
      '# cpu_pinning is off: threads go where the scheduler puts them, among all CPUs, unless you name some.',
      '#CPUAffinity=0-3',
    ]
  const cpus = formatCpuList([pinning.main, ...pinning.workers]).replaceAll(',', ' ')
  return ['# Those of cpu_pinning.', `CPUAffinity=${cpus}`]
}

function hardeningLines(paths: readonly string[], lowPorts: readonly number[]): string[] {
  const below = (...roots: string[]) =>
    paths.some((path) => roots.some((root) => path.startsWith(`/${root}/`)))
  const capability = lowPorts.length === 0 ? '' : 'CAP_NET_BIND_SERVICE'
  return [
    'UMask=0077',
    'NoNewPrivileges=yes',
    ...(capability === ''
      ? []
      : [`# To listen on ${lowPorts.join(', ')}.`, `AmbientCapabilities=${capability}`]),
    `CapabilityBoundingSet=${capability}`,
    'ProtectSystem=strict',
    below('home', 'root', 'run/user')
      ? '# Something of it is in a home: readable, then.\nProtectHome=read-only'
      : 'ProtectHome=yes',
    below('tmp', 'var/tmp') ? '# Something of it is in /tmp: no PrivateTmp.' : 'PrivateTmp=yes',
    'PrivateDevices=yes',
    // A capability of a user namespace opens no port of the host.
    ...(capability === '' ? ['PrivateUsers=yes'] : []),
    'ProtectProc=invisible',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'LockPersonality=yes',
    'RemoveIPC=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged',
    'SystemCallErrorNumber=EPERM',
    '# No MemoryDenyWriteExecute: V8 compiles while it runs, and would end at its start.',
  ]
}

/** Where it writes: its own directory, archives. */
function writablePaths({ dataDir, sinks }: ResolvedConfig): string[] {
  const archives = sinks.flatMap((sink) => (sink.type === 'file' ? [sink.path] : []))
  const all = [...new Set([dataDir, ...archives])].toSorted()
  return all.filter((path) => !all.some((other) => path.startsWith(`${other}/`)))
}

/** The first directory right below /var/lib is made by systemd itself, with the right owner. */
function stateAndOthers(paths: readonly string[]): { state: string | null; others: string[] } {
  const state = paths.find((path) => dirname(path) === STATE_ROOT.slice(0, -1)) ?? null
  return { state: state && state.slice(STATE_ROOT.length), others: paths.filter((path) => path !== state) }
}

function portsOf({ sources, admin }: ResolvedConfig): number[] {
  const listening = sources.flatMap((source) => ('listen' in source ? [source.listen.port] : []))
  return admin.listen === null ? listening : [...listening, admin.listen.port]
}

/** In a command `$` begins a variable (systemd.service(5), "Command lines"). */
function commandWord(word: string): string {
  return quoted(word.replaceAll('$', '$$$$'))
}

/** As a word of a unit: `%` begins what systemd would fill in (systemd.unit(5), "Specifiers"). */
function quoted(word: string): string {
  const escaped = word.replaceAll('%', '%%')
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`
}

function mib(bytes: number): number {
  return Math.ceil(bytes / MIB)
}
