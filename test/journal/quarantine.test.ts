import { join } from 'node:path'
import t from 'tap'
import { REPORTED_DAMAGE_MAX } from '../../src/journal/quarantine.ts'
import { segmentFileName } from '../../src/journal/segment-name.ts'
import { DIRECTORY, QUARANTINE, recoveryRig } from './fixtures/recovery-rig.ts'
import type { Rig } from './fixtures/recovery-rig.ts'

const damageAt = (offset: number, lost: Record<string, number> = {}) =>
  ({ segment: 1, offset, end: offset + 8, reason: 'body', frames: null, lost }) as const

const segment = (number: number) => ({ number, firstSequence: number * 10 })

function put(rig: Rig, number: number, bytes: number): string {
  const name = segmentFileName(segment(number))
  rig.disk.put(join(DIRECTORY, name), new Uint8Array(bytes).fill(number))
  return name
}

const reportOf = ({ disk }: Rig, name: string) =>
  JSON.parse(disk.content(join(QUARANTINE, `${name}.report.json`)).toString())

t.test('a copy with a report, once', async (t) => {
  const rig = recoveryRig()
  const name = put(rig, 1, 100_000)
  t.equal(await rig.quarantine.keep(segment(1), [damageAt(8, { push: 3 })]), true)
  t.same(rig.disk.names(QUARANTINE), [name, `${name}.report.json`])
  t.same(rig.disk.content(join(QUARANTINE, name)), rig.disk.content(join(DIRECTORY, name)))
  t.match(reportOf(rig, name), { segment: name, damage: [damageAt(8, { push: 3 })] })
  t.same(rig.told, [`quarantined ${name}`])

  put(rig, 1, 5)
  t.equal(await rig.quarantine.keep(segment(1), [damageAt(8), damageAt(16)]), true)
  t.equal(rig.disk.content(join(QUARANTINE, name)).length, 100_000, 'the copy stays')
  t.same(reportOf(rig, name).damage, [damageAt(8, { push: 3 }), damageAt(16)], 'who knew more is kept')
  t.equal(rig.told.length, 1)
})

t.test('it survives a power cut as soon as it is told', async (t) => {
  const rig = recoveryRig()
  const name = put(rig, 1, 3000)
  await rig.quarantine.keep(segment(1), [damageAt(8)])
  const left = rig.disk.crash()
  t.same(left.names(QUARANTINE), [name, `${name}.report.json`])
  t.equal(left.content(join(QUARANTINE, name)).length, 3000)
})

t.test('the oldest copies go', async (t) => {
  const rig = recoveryRig({ maxBytes: 1000, filesMax: 3 })
  const names = [1, 2, 3, 4].map((number) => put(rig, number, 100))
  for (const number of [1, 2, 3, 4]) await rig.quarantine.keep(segment(number), [damageAt(0)])
  const copies = () => rig.disk.names(QUARANTINE).filter((name) => name.endsWith('.frames'))
  t.same(copies(), names.slice(1), 'three files')
  const fifth = put(rig, 5, 850)
  await rig.quarantine.keep(segment(5), [damageAt(0)])
  t.same(copies(), [names[3], fifth], 'a thousand bytes')
  t.equal(rig.disk.names(QUARANTINE).length, 4, 'reports go with them')
  put(rig, 6, 1001)
  t.equal(await rig.quarantine.keep(segment(6), [damageAt(0)]), false)
  t.same(copies(), [names[3], fifth], 'nothing goes for what does not fit at all')
  t.match(rig.told.at(-1), /^quarantine failing/)
})

t.test('a failing disk, and one that is full', async (t) => {
  for (const failing of ['makeDirectory', 'list', 'open', 'writev', 'datasync', 'rename'] as const) {
    const rig = recoveryRig()
    const name = put(rig, 1, 3000)
    rig.disk.fault = (operation) => (operation === failing ? 'ENOSPC' : undefined)
    t.equal(await rig.quarantine.keep(segment(1), [damageAt(0)]), false, failing)
    t.same(rig.told, [`quarantine failing ${name}`])
    rig.disk.fault = () => undefined
    t.equal(await rig.quarantine.keep(segment(1), [damageAt(0)]), true, 'later it works')
    t.equal(rig.disk.content(join(QUARANTINE, name)).length, 3000)
    t.same(rig.disk.names(QUARANTINE), [name, `${name}.report.json`], 'nothing unfinished stays')
  }
})

t.test('what cannot be read of a segment is not in its copy', async (t) => {
  const rig = recoveryRig()
  const name = put(rig, 1, 3000)
  rig.disk.fault = (operation, file) => (operation === 'read' && file === name ? 'EIO' : undefined)
  t.equal(await rig.quarantine.keep(segment(1), [damageAt(0)]), true)
  t.equal(rig.disk.content(join(QUARANTINE, name)).length, 0)
  t.equal(reportOf(rig, name).damage.length, 1)
})

t.test('a report is bounded, and a broken one is begun anew', async (t) => {
  const rig = recoveryRig()
  const name = put(rig, 1, 10)
  const many = Array.from({ length: REPORTED_DAMAGE_MAX + 5 }, (_, index) => damageAt(index * 8))
  await rig.quarantine.keep(segment(1), many)
  t.equal(reportOf(rig, name).damage.length, REPORTED_DAMAGE_MAX)
  rig.disk.put(join(QUARANTINE, `${name}.report.json`), Buffer.from('{"damage":[{"offs'))
  await rig.quarantine.keep(segment(1), [damageAt(8)])
  t.same(reportOf(rig, name).damage, [damageAt(8)])
})
