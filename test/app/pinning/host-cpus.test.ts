/** What a process may use, on machines that are made of files. */
import t from 'tap'
import { readHostCpus } from '../../../src/app/pinning/host-cpus.ts'
import { filesOf, madeHost } from './fixtures/made-host.ts'

const fourCores = { cores: ['0', '1', '2', '3'] }

t.test('a machine without bounds', async (t) => {
  const all = [0, 1, 2, 3]
  const host = readHostCpus(madeHost(t, filesOf(fourCores)))
  t.same(host, { online: all, allowed: all, bindable: all, cpuset: null, quotaCpus: null })
})

t.test('taskset, or CPUAffinity of systemd', async (t) => {
  const host = readHostCpus(madeHost(t, filesOf({ ...fourCores, allowed: '1,3' })))
  t.match(host, { online: [0, 1, 2, 3], allowed: [1, 3], bindable: [1, 3] })
})

t.test('a container of cgroups v2: holes in its cpuset, and a quota of the group around it', async (t) => {
  const root = madeHost(
    t,
    filesOf({
      ...fourCores,
      allowed: '0,2-3',
      more: {
        'proc/self/cgroup': '0::/kubepods/pod1/main',
        'sys/fs/cgroup/kubepods/pod1/main/cpuset.cpus.effective': '0,2-3',
        'sys/fs/cgroup/kubepods/pod1/main/cpu.max': 'max 100000',
        'sys/fs/cgroup/kubepods/pod1/cpu.max': '150000 100000',
        'sys/fs/cgroup/kubepods/cpu.max': '400000 100000',
      },
    }),
  )
  t.match(readHostCpus(root), { allowed: [0, 2, 3], cpuset: [0, 2, 3], quotaCpus: 1.5 })
})

t.test('a container of cgroups v1 that sees the paths of the host', async (t) => {
  const root = madeHost(
    t,
    filesOf({
      ...fourCores,
      allowed: '2',
      more: {
        'proc/self/cgroup': '5:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/',
        'sys/fs/cgroup/cpuset/cpuset.cpus': '2',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      },
    }),
  )
  t.match(readHostCpus(root), { allowed: [2], cpuset: [2], quotaCpus: 0.5 })
})

t.test('a quota of -1 is none', async (t) => {
  const more = { 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1', 'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' }
  t.equal(readHostCpus(madeHost(t, filesOf({ ...fourCores, more })))?.quotaCpus, null)
})

t.test('what the kernel keeps apart can be had by its number, as far as the cgroup has it', async (t) => {
  const more = {
    'sys/devices/system/cpu/isolated': '2-3',
    'proc/self/cgroup': '0::/',
    'sys/fs/cgroup/cpuset.cpus.effective': '0-2',
  }
  const host = readHostCpus(madeHost(t, filesOf({ ...fourCores, allowed: '0-1', more })))
  t.match(host, { allowed: [0, 1], bindable: [0, 1, 2] })
})

t.test('no /sys, and no /proc', async (t) => {
  const status = { 'proc/self/status': 'Cpus_allowed_list:\t0-1' }
  t.match(readHostCpus(madeHost(t, status)), { online: [0, 1], allowed: [0, 1], quotaCpus: null })
  t.equal(readHostCpus(madeHost(t, {})), null)
  t.equal(readHostCpus(madeHost(t, { 'proc/self/status': 'Name:\tnode' })), null)
})
