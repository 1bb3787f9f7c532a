import t from 'tap'
import { JournalWatch } from '../../src/app/journal-watch.ts'
import type { Topology } from '../../src/app/topology.ts'
import { Control } from '../../src/memory/control.ts'

const MIB = 2 ** 20

function watch(fill: number, shed?: { above: number; severityBelow: number }[]) {
  const topology = {
    journalFill: fill,
    journalFull: false,
    control: Control.create(),
    journal: { bytes: 7 * MIB, healthy: true, segmentCount: 2, leftSinks: [] },
  }
  const told: string[] = []
  const events = {
    journalFull: (maxBytes: number) => told.push(`full at ${maxBytes}`),
    journalHasRoom: () => told.push('room'),
    sheddingBegan: (below: number, at: number) => told.push(`below ${below} at ${at}`),
    sheddingEnded: () => told.push('all is kept'),
  }
  const config = {
    mode: 'disk',
    maxBytes: 64 * MIB,
    whenFull: shed === undefined ? 'block' : 'shed',
    fastSeverity: 8,
    ...(shed === undefined ? undefined : { shed }),
  } as const
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const watched = new JournalWatch(config, topology as unknown as Topology, events)
  const look = (at: number) => {
    topology.journalFill = at
    watched.look()
    return told.splice(0)
  }
  return { topology, watched, look }
}

t.test('full, until there is room again', async (t) => {
  const { topology, look } = watch(0)
  t.same(look(0.99), [])
  t.same(look(1), [`full at ${64 * MIB}`])
  t.same(look(0.96), [])
  t.equal(topology.journalFull, true)
  t.same(look(0.94), ['room'])
  t.equal(topology.journalFull, false)
})

t.test('workers are told what to shed, and the operator once', async (t) => {
  const { topology, watched, look } = watch(0, [
    { above: 0.8, severityBelow: 3 },
    { above: 0.9, severityBelow: 6 },
  ])
  t.same(look(0.5), [])
  t.same(look(0.81), ['below 3 at 0.81'])
  t.same(look(0.82), [])
  t.equal(topology.control.shedBelow, 3)
  t.same(look(0.95), ['below 6 at 0.95'])
  t.same(watched.status(), {
    bytes: 7 * MIB,
    maxBytes: 64 * MIB,
    fill: 0.95,
    segments: 2,
    healthy: true,
    full: false,
    shedBelow: 6,
    leftSinks: [],
  })
  t.same(look(0.1), ['all is kept'])
  t.equal(topology.control.shedBelow, 0)
})

t.test('in memory mode there is nothing to look at', async (t) => {
  const { topology, watched, look } = watch(0)
  Object.assign(topology, { journal: null })
  t.same(look(2), [])
  t.equal(watched.status(), null)
})
