import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { lockDataDir } from '../../src/app/data-lock.ts'
import { temporaryDirectory } from '../helpers/collector.ts'

const LOCK_SCRIPT = join(import.meta.dirname, 'fixtures', 'hold-lock.ts')

/** Another process that holds the lock until it is killed; `command` may put it into other namespaces. */
async function holder(test: Test, directory: string, command: readonly string[] = []): Promise<ChildProcess> {
  const [file, ...rest] = [...command, process.execPath, LOCK_SCRIPT, directory]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  test.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  test.equal(line.toString(), 'held\n')
  return child
}

t.test('one at a time, also in one process', async (t) => {
  const directory = temporaryDirectory(t)
  const lock = await lockDataDir(directory)
  const { pid, host } = JSON.parse(readFileSync(join(directory, 'lock'), 'utf8'))
  t.same({ pid, host }, { pid: process.pid, host: hostname() })
  await t.rejects(lockDataDir(directory), {
    code: 'SPW_ERR_DATA_DIR_LOCKED',
    retryable: true,
    details: { pid },
  })
  const link = join(temporaryDirectory(t), 'link')
  symlinkSync(directory, link)
  await t.rejects(lockDataDir(link), { code: 'SPW_ERR_DATA_DIR_LOCKED' }, 'by whatever name')
  const other = await lockDataDir(temporaryDirectory(t))
  await other.release()
  await lock.release()
  await lock.release()
  t.equal(readFileSync(join(directory, 'lock'), 'utf8'), '', 'nobody holds it')
  const again = await lockDataDir(directory)
  await again.release()
})

t.test('of many at once one gets it', async (t) => {
  const directory = temporaryDirectory(t)
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDir(directory)))
  const locks = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  t.equal(locks.length, 1)
  await locks[0]!.release()
})

t.test('another process is told who holds it, and a killed one holds nothing', async (t) => {
  const directory = temporaryDirectory(t)
  const child = await holder(t, directory)
  await t.rejects(lockDataDir(directory), {
    code: 'SPW_ERR_DATA_DIR_LOCKED',
    message: new RegExp(`is in use by process ${child.pid} on .*, running since 2.*: stop that one, or`),
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = await lockDataDir(directory)
  await lock.release()
})

t.test('across networks of containers', async (t) => {
  const elsewhere = ['unshare', '--user', '--net']
  const can = spawnSync('flock', ['--version']).status === 0
  if (!can || spawnSync(elsewhere[0]!, [...elsewhere.slice(1), 'true']).status !== 0) {
    t.comment('not tried: there is no flock(1), or nobody may make a network namespace')
    return
  }
  const directory = temporaryDirectory(t)
  chmodSync(directory, 0o777)
  const child = await holder(t, directory, elsewhere)
  await t.rejects(lockDataDir(directory), { code: 'SPW_ERR_DATA_DIR_LOCKED' })
  child.kill('SIGKILL')
  await once(child, 'exit')
})

t.test('without flock(1) the name alone has to do', async (t) => {
  const directory = temporaryDirectory(t)
  const { PATH } = process.env
  process.env.PATH = directory
  t.teardown(() => (process.env.PATH = PATH))
  const lock = await lockDataDir(directory)
  await t.rejects(lockDataDir(directory), { code: 'SPW_ERR_DATA_DIR_LOCKED' })
  await lock.release()
})

t.test('a lock file that says nothing, and one that cannot be', async (t) => {
  const directory = temporaryDirectory(t)
  const lock = await lockDataDir(directory)
  for (const text of ['', '{', '[]', '{"pid":"1"}']) {
    writeFileSync(join(directory, 'lock'), text)
    await t.rejects(lockDataDir(directory), { message: /is in use by another process:/ })
  }
  await lock.release()
  await t.rejects(lockDataDir(join(directory, 'nowhere')), { code: 'SPW_ERR_DATA_DIR_UNUSABLE' })
  const taken = temporaryDirectory(t)
  mkdirSync(join(taken, 'lock'))
  await t.rejects(lockDataDir(taken), { code: 'SPW_ERR_DATA_DIR_UNUSABLE', message: /EISDIR/ })
  await t.rejects(lockDataDir(taken), { code: 'SPW_ERR_DATA_DIR_UNUSABLE' }, 'and the name is free again')
})
