/** Conversations with the API of GitHub, as they were recorded. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PolledServer, settled, startPolling, whole } from './fixtures/poll-rig.ts'

interface Recorded {
  readonly scope: string
  readonly path: string
  readonly status: number
  readonly headers: Record<string, string>
  readonly response: unknown
}

const vectors = process.env.SPILLWAY_VECTORS
const recordings = vectors === undefined ? '' : join(vectors, 'http-pull/octokit-fixtures')
const read = (name: string): Recorded[] => JSON.parse(readFileSync(join(recordings, name), 'utf8'))

t.test(
  'recorded conversations',
  { skip: vectors === undefined && 'SPILLWAY_VECTORS is not set' },
  async (t) => {
    await t.test('every page, each a URL', async (t) => {
      const pages = read('paginate-issues.json')
      const server = await PolledServer.start(
        t,
        Object.fromEntries(
          pages.map(({ path, status, headers, response }) => {
            const { 'content-length': _recorded, ...rest } = headers
            return [path, whole(JSON.stringify(response), rest, status)]
          }),
        ),
      )
      const rig = await startPolling(t, { urls: pages.map(({ path }) => server.origin + path) })
      await settled(rig, pages.length)
      const elements = pages.flatMap(({ response }) => response as unknown[])
      const received = await rig.receiver.received(elements.length)
      t.ok(elements.length > 10)
      t.same(
        received.map((line) => JSON.stringify(JSON.parse(line))).toSorted(),
        elements.map((element) => JSON.stringify(element)).toSorted(),
      )
      t.same(await rig.requests(), { ok: pages.length })
    })

    await t.test('a redirect to another host', async (t) => {
      const [moved, archive] = read('get-archive.json') as [Recorded, Recorded]
      const other = await PolledServer.start(t, {
        [archive.path]: whole(Buffer.from(String(archive.response), 'hex'), {
          'content-type': 'application/x-gzip',
        }),
      })
      const server = await PolledServer.start(t, {
        [moved.path]: whole('', { location: other.origin + archive.path }, moved.status),
      })
      const rig = await startPolling(t, { urls: [server.origin + moved.path] })
      await settled(rig)
      t.equal(other.count(archive.path), 1)
      t.same(await rig.rejected(), { bad_framing: 1 }, 'an archive is no JSON')
    })
  },
)
