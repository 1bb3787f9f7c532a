/** CPUs that threads can't be bound to are told of when the configuration is read. */
import t from 'tap'
import type { HostCpus } from '../../../src/app/pinning/host-cpus.ts'
import { least, parse, problemsOf } from './fixtures/configs.ts'

const cpus: HostCpus = {
  online: [0, 1, 2, 3, 4, 5],
  allowed: [0, 1, 2],
  bindable: [0, 1, 2],
  cpuset: [0, 1, 2, 3],
  quotaCpus: null,
}

const problems = (pinning: string, host: HostCpus | null = cpus) =>
  problemsOf(`cpu_pinning: ${pinning}\n${least}`, { cpus: () => host }).map((line) =>
    line.replace(/^c\.yaml:\d+:\d+: cpu_pinning/, ''),
  )

const pinningOf = (pinning: string) =>
  parse(`cpu_pinning: ${pinning}\n${least}`, { cpus: () => cpus }).config.cpuPinning

t.test('what is taken', async (t) => {
  t.equal(pinningOf('auto'), 'auto')
  t.equal(pinningOf('off'), 'off')
  t.same(pinningOf('{ main: 2, workers: [0, 1] }'), { main: 2, workers: [0, 1] })
  const unasked = () => t.fail('nobody asks what CPUs there are')
  t.equal(parse(least, { cpus: unasked as () => never }).config.cpuPinning, 'off')
})

t.test('what is refused', async (t) => {
  const usable = 'expected one of the CPUs that this process may use, 0-2, found'
  t.same(problems('{ main: 9, workers: [3, 4, 5] }'), [
    `.main: ${usable} 9, which this machine does not have, or has switched off`,
    `.workers.0: ${usable} 3, which was taken from it when it was started (taskset, CPUAffinity of systemd)`,
    `.workers.1: ${usable} 4, which is not in the cpuset of its cgroup (0-3)`,
    `.workers.2: ${usable} 5, which is not in the cpuset of its cgroup (0-3)`,
  ])
  t.same(problems('{ main: 0, workers: [1, 0, 1] }'), [
    '.workers.1: expected a CPU of its own, not that of cpu_pinning.main, found 0',
    '.workers.2: expected a CPU of its own, not that of cpu_pinning.workers.0, found 1',
  ])
  t.match(problems('{ main: 0, workers: [] }'), [/^\.workers: expected a list of 1 to 256 values/])
  t.match(problems('{ workers: [1] }'), [/^\.main: expected a whole number/])
  t.match(problems('{ main: -1 }'), [/^\.workers: expected a list/, /^\.main: expected a whole number/])
  t.match(problems('on'), [/^: expected off or auto, or a map of main and workers, found "on"/])
})

t.test('on other systems', async (t) => {
  const expected = 'expected off: threads can be bound to CPUs on Linux only, where /proc is there'
  t.same(problems('auto', null), [`: ${expected}, found auto`])
  t.match(problems('{ main: 0, workers: [1] }', null), [new RegExp(expected)])
  t.same(problems('off', null), [])
})
