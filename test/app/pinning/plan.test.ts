/** What `auto` chooses, on machines that are made of files. */
import t from 'tap'
import { readCpuPlaces } from '../../../src/app/pinning/cpu-places.ts'
import { readHostCpus } from '../../../src/app/pinning/host-cpus.ts'
import { autoPlan, explicitPlan } from '../../../src/app/pinning/plan.ts'
import { filesOf, madeHost } from './fixtures/made-host.ts'
import type { MadeCpus } from './fixtures/made-host.ts'

interface Case {
  readonly what: string
  readonly cpus: MadeCpus
  readonly workers: number
  readonly main: number | null
  /** Best first. */
  readonly order: readonly number[]
  readonly reason: string
}

const quota = (max: string) => ({ 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': max })

const cases: readonly Case[] = [
  {
    what: 'four cores',
    cpus: { cores: ['0', '1', '2', '3'] },
    workers: 3,
    main: 0,
    order: [1, 2, 3],
    reason: 'main thread on CPU 0; workers on 1-3 (own cores)',
  },
  {
    what: 'two cores of two hyper-threads: the one beside the main thread comes last',
    cpus: { cores: ['0,2', '1,3'] },
    workers: 2,
    main: 0,
    order: [1, 3, 2],
    reason: 'main thread on CPU 0; workers on 1 (own cores), 3 (hyper-threads of these)',
  },
  {
    what: 'two sockets with a node each, hyper-threads numbered behind all cores',
    cpus: {
      cores: ['0,8', '1,9', '2,10', '3,11', '4,12', '5,13', '6,14', '7,15'],
      nodes: ['0-3,8-11', '4-7,12-15'],
    },
    workers: 15,
    main: 0,
    order: [1, 2, 3, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15, 8],
    reason:
      "main thread on CPU 0; workers on 1-3 (own cores), 9-11 (hyper-threads of these), 4-7 (cores of other nodes), 12-15 (hyper-threads of other nodes), 8 (hyper-thread of the main thread's core)",
  },
  {
    what: 'a node of which more is left is the one to be in',
    cpus: { cores: ['0', '1', '2', '3', '4', '5'], nodes: ['0-2', '3-5'], allowed: '2-5' },
    workers: 2,
    main: 3,
    order: [4, 5, 2],
    reason: 'main thread on CPU 3; workers on 4-5 (own cores)',
  },
  {
    what: 'sockets, where nothing is said of nodes',
    cpus: {
      cores: ['0', '1', '2', '3'],
      more: Object.fromEntries(
        [0, 1, 0, 1].map((socket, cpu) => [
          `sys/devices/system/cpu/cpu${cpu}/topology/physical_package_id`,
          `${socket}`,
        ]),
      ),
    },
    workers: 3,
    main: 0,
    order: [2, 1, 3],
    reason: 'main thread on CPU 0; workers on 2 (own cores), 1,3 (cores of other nodes)',
  },
  {
    what: 'fast and slow cores of a hybrid: a slow core is better than half of a fast one',
    cpus: {
      cores: ['0', '1', '2,3', '4,5'],
      speed: {
        file: 'cpufreq/cpuinfo_max_freq',
        of: { 0: 3_900_000, 1: 3_900_000, 2: 5_100_000, 3: 5_100_000, 4: 5_100_000, 5: 5_100_000 },
      },
    },
    workers: 4,
    main: 2,
    order: [4, 0, 1, 5, 3],
    reason: 'main thread on CPU 2; workers on 0-1,4 (own cores), 5 (hyper-threads of these)',
  },
  {
    what: 'capacities of Arm',
    cpus: { cores: ['0', '1', '2'], speed: { file: 'cpu_capacity', of: { 0: 446, 1: 1024, 2: 1024 } } },
    workers: 1,
    main: 1,
    order: [2, 0],
    reason: 'main thread on CPU 1; workers on 2 (own cores)',
  },
  {
    what: 'a container with holes, half of each core',
    cpus: { cores: ['0,4', '1,5', '2,6', '3,7'], allowed: '5-7' },
    workers: 2,
    main: 5,
    order: [6, 7],
    reason: 'main thread on CPU 5; workers on 6-7 (own cores)',
  },
  {
    what: 'a container without /sys',
    cpus: { cores: [], allowed: '0-2' },
    workers: 2,
    main: 0,
    order: [1, 2],
    reason: 'main thread on CPU 0; workers on 1-2 (own cores)',
  },
  {
    what: 'more threads than CPUs',
    cpus: { cores: ['0', '1', '2'] },
    workers: 4,
    main: 0,
    order: [1, 2],
    reason: 'main thread on CPU 0; workers on 1-2 (own cores); 4 workers take turns on 2 CPUs',
  },
  {
    what: 'one CPU',
    cpus: { cores: ['0', '1'], allowed: '1' },
    workers: 1,
    main: null,
    order: [],
    reason: 'nothing is bound: there is one CPU, 1',
  },
  {
    what: 'a share of CPUs that others have too',
    cpus: { cores: ['0', '1', '2', '3'], more: quota('150000 100000') },
    workers: 1,
    main: null,
    order: [],
    reason:
      'nothing is bound: its cgroup grants 1.5 CPUs of time on 4 CPUs, which others use too; give it a cpuset of its own',
  },
  {
    what: 'a cpuset of its own, and all of its time',
    cpus: { cores: ['0', '1', '2', '3'], allowed: '2-3', more: quota('200000 100000') },
    workers: 1,
    main: 2,
    order: [3],
    reason: 'main thread on CPU 2; workers on 3 (own cores)',
  },
]

for (const { what, cpus, workers, main, order, reason } of cases) {
  t.test(what, async (t) => {
    const root = madeHost(t, filesOf(cpus))
    const host = readHostCpus(root)!
    t.same(autoPlan(host, readCpuPlaces(host.allowed, root), workers), { main, workers: order, reason })
  })
}

t.test('as configured', async (t) => {
  const named = { main: 2, workers: [5, 1] }
  t.same(explicitPlan(named, 2), { ...named, reason: 'as configured' })
  t.match(explicitPlan(named, 5), { reason: 'as configured; 5 workers take turns on 2 CPUs' })
})
