/** Which threads are bound, and when: a machine and its threads are made up. */
import { setImmediate as turn } from 'node:timers/promises'
import pino from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { CpuPinning } from '../../../src/app/pinning/cpu-pinning.ts'
import type { CpuPinningOptions } from '../../../src/app/pinning/cpu-pinning.ts'
import { formatCpuList } from '../../../src/app/pinning/cpu-list.ts'
import { kernelThreadId } from '../../../src/base/kernel-thread.ts'
import { spwError } from '../../../src/base/errors.ts'
import { filesOf, madeHost } from './fixtures/made-host.ts'

const main = kernelThreadId()
const ALL = [0, 1, 2, 3]

/** A process whose threads are numbers; the main thread is that of this test. */
class MadeThreads {
  readonly cpus = new Map<number, readonly number[]>([[main!, ALL]])
  fails = (_thread: number): boolean => false
  #onThread = (_thread: number, _gone: Promise<void>): void => {}

  readonly threads = () => [...this.cpus.keys()]
  readonly cpusOf = (thread: number) => this.cpus.get(thread) ?? null

  readonly bind = async (thread: number, cpus: readonly number[]) => {
    await turn()
    const list = formatCpuList(cpus)
    if (this.fails(thread))
      throw spwError('SPW_ERR_PINNING_FAILED', { thread, cpus: list, reason: 'it may not' })
    this.cpus.set(thread, cpus)
  }

  onThread(callback: (thread: number, gone: Promise<void>) => void): void {
    this.#onThread = callback
  }

  /** Starts a worker, where the main thread is; returns what ends it. */
  worker(thread: number): () => void {
    const gone = Promise.withResolvers<void>()
    this.cpus.set(thread, this.cpus.get(main!)!)
    this.#onThread(thread, gone.promise)
    return () => {
      this.cpus.delete(thread)
      gone.resolve()
    }
  }
}

function rig(t: Test, pinning: CpuPinningOptions['pinning'], workersMax = 2) {
  const threads = new MadeThreads()
  const log: { event: string; level: number; reason?: string; msg: string }[] = []
  const logger = pino(
    { level: 'info' },
    { write: (line: string) => void log.push(JSON.parse(line) as never) },
  )
  const root = madeHost(t, filesOf({ cores: ['0', '1', '2', '3'] }))
  const options = { pinning, workersMax, workers: threads, logger, threadCpus: threads, root }
  const workerCpus = () => pinned.status().workers.map(({ tid, cpus }) => `${tid} on ${cpus}`)
  const pinned = new CpuPinning(options)
  return { threads, log, pinned, workerCpus }
}

async function settled(): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one behind the other
  for (let turns = 0; turns < 10; turns++) await turn()
}

t.test('kernel threads have ids here', { skip: process.platform !== 'linux' && 'not Linux' }, async (t) => {
  t.ok(main)
  t.test('workers that were there, that come, and that replace others', async (t) => {
    const { threads, pinned, workerCpus } = rig(t, { main: 3, workers: [1, 2] })
    const end = threads.worker(101)
    await pinned.start()
    t.match(pinned.status(), { mode: 'explicit', reason: 'as configured', main: { tid: main, cpus: '3' } })
    threads.worker(102)
    await settled()
    t.same(workerCpus(), ['101 on 1', '102 on 2'])
    end()
    await settled()
    t.same(workerCpus(), ['102 on 2'])
    threads.worker(103)
    threads.worker(104)
    await settled()
    t.same(workerCpus(), ['103 on 1', '102 on 2', '104 on 1'], 'one too many takes its turn')

    await pinned.stop()
    await pinned.stop()
    t.equal(pinned.status().main?.cpus, '0-3', 'the main thread is as it was')
  })

  t.test('a thread that began on the CPU of the main thread does not stay there', async (t) => {
    const { threads, pinned } = rig(t, 'auto')
    threads.cpus.set(50, ALL)
    threads.cpus.set(51, [2])
    await pinned.start()
    threads.cpus.set(52, [0])
    threads.worker(101)
    await settled()
    t.same([50, 51, 52, 101].map(threads.cpusOf), [ALL, [2], ALL, [1]])
    t.same(pinned.status().others, { threads: 3, cpus: '0-3' })
  })

  t.test('auto goes on without, and says so', async (t) => {
    const { threads, log, pinned } = rig(t, 'auto')
    threads.fails = () => true
    threads.worker(101)
    await pinned.start()
    threads.worker(102)
    await settled()
    t.same(threads.cpusOf(102), ALL)
    t.match(pinned.status(), {
      mode: 'auto',
      reason: /^nothing is bound: .*it may not$/,
      main: { cpus: '0-3' },
    })
    t.match(log, [{ event: 'cpu_pinning_failed', level: 40, reason: /it may not/ }])
    await pinned.stop()
  })

  t.test('what is configured must be', async (t) => {
    const { threads, pinned } = rig(t, { main: 0, workers: [1] })
    threads.fails = () => true
    await t.rejects(pinned.start(), { code: 'SPW_ERR_PINNING_FAILED', exitCode: 2 })
  })

  t.test('a worker that could not be bound is told of, one that is gone is not', async (t) => {
    const { threads, log, pinned } = rig(t, { main: 0, workers: [1] })
    await pinned.start()
    threads.fails = (thread) => thread > 100
    threads.worker(101)
    threads.worker(102)()
    await settled()
    t.match(log, [{ event: 'cpu_pinning', main: 0, workers: '1' }, { event: 'cpu_pinning_failed' }])
  })

  t.test('off', async (t) => {
    const { threads, log, pinned } = rig(t, 'off')
    await pinned.start()
    threads.worker(101)
    await settled()
    await pinned.stop()
    t.same(threads.cpusOf(101), ALL)
    t.same(log, [])
    t.match(pinned.status(), { mode: 'off', workers: [{ tid: 101, cpus: '0-3' }], others: null })
  })
})
