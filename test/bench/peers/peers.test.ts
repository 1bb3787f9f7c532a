import { readFileSync } from 'node:fs'
import t from 'tap'
import { OwnLoad } from '../../../bench/load/own-load.ts'
import { runPeer } from '../../../bench/peers/contestant.ts'
import { peerCases, withShare } from '../../../bench/peers/peer-case.ts'
import { peers } from '../../../bench/peers/peers.ts'
import { findPeer } from '../../../bench/peers/program.ts'
import { relay } from '../../../bench/peers/relay/peer.ts'

const PLACES = new Set(['port', 'url', 'sink_port', 'directory', 'way', 'config'])

t.test('every configuration is there, and says where to listen and to deliver', async (t) => {
  for (const { name, ways, args, checks, durability, documents } of peers) {
    t.ok(checks !== '' && durability !== '', name)
    for (const document of documents) t.match(document, /^https:/, name)
    for (const file of Object.values(ways)) {
      const folder = new URL(`../../../bench/peers/${name}/`, import.meta.url)
      const text = file === null ? args.join(' ') : readFileSync(new URL(file, folder), 'utf8')
      const places = new Set(
        [...text.matchAll(/\{(\w+)\}/g)].map(([, place]) => place!).filter((place) => PLACES.has(place)),
      )
      t.ok(places.has('port'), `${name} ${file} listens`)
      t.ok(places.has('url') || places.has('sink_port'), `${name} ${file} delivers`)
    }
  }
})

t.test('a program that is not there, or lacks something, is told', async (t) => {
  t.equal(await findPeer({ ...relay, program: 'no-such-program' }), 'no no-such-program on the PATH')
  t.match(
    await findPeer({ ...relay, probe: ['-e', 'throw new Error("no aiohttp")'] }),
    /node lacks something/,
  )
})

t.test('what does not start says so, and leaves nothing behind', async (t) => {
  const found = await findPeer({ ...relay, args: ['-e', 'process.stdout.write("no licence")'] })
  if (typeof found === 'string') throw new Error(found)
  await t.rejects(
    runPeer(found, withShare(peerCases[0]!, 0), (plan) => OwnLoad.start(plan)),
    /relay did not start: no licence/,
  )
})

/** Each server of our own, and each configuration that a machine with `.ci/clients` can run. */
const smoke: Readonly<Record<string, readonly string[]>> = {
  relay: ['bad-1-percent-tcp'],
  'naive-node': ['bad-1-percent-http', 'syslog-5424'],
  'naive-python': ['bad-1-percent-tcp'],
  rsyslogd: ['bad-1-percent-tcp', 'syslog-5424'],
  'syslog-ng': ['bad-1-percent-tcp', 'syslog-5424'],
}

// Several at a time: each mostly waits.
t.jobs = 4
for (const [name, cases] of Object.entries(smoke)) {
  const peer = peers.find((each) => each.name === name)!
  for (const peerCase of peerCases.filter((each) => cases.includes(each.name))) {
    t.test(`${name}: ${peerCase.name}`, { buffered: true }, async (t) => {
      const found = await findPeer(peer)
      if (typeof found === 'string') {
        t.pass(found, { skip: found })
        return
      }
      const small = withShare({ ...peerCase, events: 1000 }, 1)
      const figures = await runPeer(found, small, (plan) => OwnLoad.start(plan))
      t.match(figures, { lost: 0, duplicates: 0, cpu_s_per_million: Number, events_per_s: Number })
      t.ok(figures.peak_rss_mib! > 1, 'its memory was found')
      const malformed = small.events * small.malformedShare
      t.ok(figures.strange! <= malformed, `${figures.strange} of ${malformed} malformed got through`)
      if (peer === relay) t.equal(figures.strange, malformed, 'a relay lets all of them through')
    })
  }
}
