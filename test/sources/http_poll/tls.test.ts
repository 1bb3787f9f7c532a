import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import t from 'tap'
import { makeCertificate } from '../../helpers/certificate.ts'
import { PolledServer, settled, startPolling, whole } from './fixtures/poll-rig.ts'

const { key, cert, lacking } = makeCertificate(t.testdir())

t.test('TLS', { skip: lacking }, async (t) => {
  const own = { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(cert) }
  const answers = { '/': whole('[{"a":1}]') }

  await t.test('authorities of our own, and a connection that is kept', async (t) => {
    const server = await PolledServer.start(t, answers, own)
    const rig = await startPolling(t, {
      urls: [`${server.origin}/`],
      keys: `interval: 100ms, tls: { ca: ${cert} }`,
    })
    await settled(rig, 3)
    t.equal(server.connectionCount, 1)
    t.equal((await rig.requests()).failed, undefined)
  })

  await t.test('a certificate that nobody vouches for', async (t) => {
    const server = await PolledServer.start(t, answers, own)
    const rig = await startPolling(t, { urls: [`${server.origin}/`] })
    await settled(rig)
    t.match(rig.lastErrors(), [/^certificate refused: DEPTH_ZERO_SELF_SIGNED_CERT/])
    t.same(await rig.requests(), { retry: 2, failed: 1 })
  })

  await t.test('verify: false', async (t) => {
    const server = await PolledServer.start(t, answers, own)
    const rig = await startPolling(t, { urls: [`${server.origin}/`], keys: 'tls: { verify: false }' })
    await settled(rig)
    t.same(await rig.requests(), { ok: 1 })
  })

  await t.test('a certificate of ours, shown to nobody else', async (t) => {
    const strict = { ...own, requestCert: true, rejectUnauthorized: false }
    const seen: Record<string, boolean> = {}
    const other = await PolledServer.start(
      t,
      {
        '/': (response, request, count) => {
          seen.other = hasCertificate(request.socket)
          whole('[{"a":1}]')(response, request, count)
        },
      },
      strict,
    )
    const server = await PolledServer.start(
      t,
      {
        '/': (response, request) => {
          seen.own = hasCertificate(request.socket)
          response.writeHead(302, { location: `${other.origin}/` }).end()
        },
      },
      strict,
    )
    const rig = await startPolling(t, {
      urls: [`${server.origin}/`],
      keys: `tls: { ca: ${cert}, cert: ${cert}, key: ${key} }`,
    })
    await settled(rig)
    t.same(await rig.requests(), { ok: 1 })
    t.same(seen, { own: true, other: false })
  })

  await t.test('a file that is no certificate', async (t) => {
    const path = join(t.testdir({ 'not.pem': 'not a certificate' }), 'not.pem')
    await t.rejects(
      startPolling(t, { urls: ['https://127.0.0.1:1/'], keys: `tls: { cert: ${path}, key: ${path} }` }),
      {
        code: 'SPW_ERR_SOURCE_TLS',
        message: /^sources\.pull\.tls: /,
      },
    )
  })
})

function hasCertificate(socket: Socket): boolean {
  return socket instanceof TLSSocket && Object.keys(socket.getPeerCertificate()).length > 0
}
