/** Real threads of a real collector, as the kernel says where they may run. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { kernelThreadCpus } from '../../../src/app/pinning/thread-cpus.ts'
import { readHostCpus } from '../../../src/app/pinning/host-cpus.ts'
import { kernelThreadId } from '../../../src/base/kernel-thread.ts'
import { startCollector, temporaryDirectory } from '../../helpers/collector.ts'

const allowed = readHostCpus()?.allowed ?? []
const skip =
  (allowed.length < 2 && 'it takes Linux and two CPUs') ||
  (spawnSync('taskset', ['--version']).error !== undefined && 'there is no taskset')

/** How often it is asked who has started. */
const LOOK_MS = 10

/** CPUs of the threads of this process, by the kernel's ids. */
function affinities(): Map<number, string> {
  const threads = readdirSync('/proc/self/task').map(Number)
  return new Map(
    threads.map((thread) => {
      const status = readFileSync(`/proc/self/task/${thread}/status`, 'latin1')
      return [thread, /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)![1]!]
    }),
  )
}

t.test('threads are bound, also one that replaces another', { skip }, async (t) => {
  const [mainCpu, workerCpu] = [allowed[0]!, allowed[1]!]
  const before = affinities().get(kernelThreadId()!)
  const directory = temporaryDirectory(t)
  const collector = await startCollector(
    t,
    `
cpu_pinning: { main: ${mainCpu}, workers: [${workerCpu}] }
workers: 1
sources: { lines: { type: tcp, listen: 127.0.0.1:0 } }
sinks: { out: { type: blackhole } }`,
    { workerFile: new URL('../../fixtures/mortal-worker.ts', import.meta.url).href, directory },
  )
  const status = async () => {
    const response = await fetch(`http://${collector.admin.address}/status`)
    const { cpu_pinning: pinning } = (await response.json()) as {
      cpu_pinning: { main: { tid: number }; workers: { tid: number; cpus: string }[] }
    }
    return pinning
  }
  const boundWorker = async (butNot: number): Promise<number> => {
    const { workers } = await status()
    const bound = workers.find(({ tid, cpus }) => tid !== butNot && cpus === `${workerCpu}`)
    if (bound !== undefined) return bound.tid
    await sleep(LOOK_MS)
    return boundWorker(butNot)
  }

  const first = await boundWorker(0)
  const { main } = await status()
  t.equal(main.tid, kernelThreadId())
  t.equal(affinities().get(main.tid), `${mainCpu}`)
  t.equal(affinities().get(first), `${workerCpu}`)

  // An escaped key takes the slow path, where the text ends the thread that looks at it, once.
  const record = `{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","\\u0065vent_type":"KILL-ONCE ${join(directory, 'killed')} ","severity":1}\n`
  connect(Number(collector.address('lines').split(':')[1]), '127.0.0.1').end(record)
  const second = await boundWorker(first)
  t.equal(affinities().get(second), `${workerCpu}`)
  t.notOk(affinities().has(first))
  const others = [...affinities()].filter(([thread]) => thread !== main.tid && thread !== second)
  t.ok(others.length > 0)
  for (const [thread, cpus] of others) t.not(cpus, `${mainCpu}`, `thread ${thread}`)

  await collector.stop()
  t.equal(affinities().get(main.tid), before, 'the program around it has its CPUs back')
})

t.test('what can not be bound', { skip }, async (t) => {
  const code = 'SPW_ERR_PINNING_FAILED'
  const gone = spawnSync('true').pid
  await t.rejects(kernelThreadCpus.bind(gone, [allowed[0]!]), { code, message: /No such process/ })
  t.equal(kernelThreadCpus.cpusOf(gone), null)
  const thread = kernelThreadId()!
  await t.rejects(kernelThreadCpus.bind(thread, [8191]), { code, message: /Invalid argument/ })
  const { PATH } = process.env
  process.env.PATH = '/nowhere'
  t.teardown(() => (process.env.PATH = PATH))
  await t.rejects(kernelThreadCpus.bind(thread, [allowed[0]!]), { code, message: /install util-linux/ })
})
