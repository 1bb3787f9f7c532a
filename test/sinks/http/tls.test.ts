import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HttpSink } from '../../../src/sinks/http/index.ts'
import { makeCertificate } from '../../helpers/certificate.ts'
import { NEVER, context, httpConfig, payloadOf } from '../fixtures/configs.ts'
import { startReceiver } from '../fixtures/receiver.ts'

const { key, cert, lacking } = makeCertificate(t.testdir())

t.test('TLS', { skip: lacking }, async (t) => {
  const own = { key: readFileSync(key), cert: readFileSync(cert) }
  const receiver = await startReceiver(undefined, { ...own, ca: own.cert })
  const strict = await startReceiver(undefined, {
    ...own,
    ca: own.cert,
    requestCert: true,
    maxVersion: 'TLSv1.2',
  })
  t.teardown(() => Promise.all([receiver.close(), strict.close()]))

  const sendWith = async (url: string, tls: object) => {
    const sink = new HttpSink(httpConfig(url, { tls }), context)
    await sink.start()
    const outcome = await sink.send(payloadOf(['a\n', 'b\n']), NEVER)
    const again = outcome.kind === 'ack' ? await sink.send(payloadOf(['c\n']), NEVER) : outcome
    await sink.stop()
    t.equal(again.kind, outcome.kind)
    return outcome
  }

  t.same(await sendWith(receiver.url, { verify: true, ca: cert }), { kind: 'ack' })
  t.same(await sendWith(receiver.url, { verify: false }), { kind: 'ack' })
  t.equal(receiver.received.map(({ body }) => body.toString()).join(''), 'a\nb\nc\na\nb\nc\n')
  t.equal(receiver.connections, 2)

  const untrusted = await sendWith(receiver.url, { verify: true })
  t.match(untrusted, { kind: 'hold', reason: /^certificate refused: DEPTH_ZERO_SELF_SIGNED_CERT/ })
  const misnamed = await sendWith(receiver.url.replace('127.0.0.1', 'localhost'), { verify: true, ca: cert })
  t.match(misnamed, { kind: 'hold', reason: /ERR_TLS_CERT_ALTNAME_INVALID/ })

  t.match(await sendWith(strict.url, { verify: true, ca: cert }), { kind: /hold|retry/ }, 'no certificate')
  t.same(await sendWith(strict.url, { verify: true, ca: cert, cert, key }), { kind: 'ack' })

  const plain = await startReceiver()
  t.match(await sendWith(plain.url.replace('http:', 'https:'), { verify: true }), {
    kind: 'retry',
    category: 'tls',
  })
  await plain.close()
})

t.test('a file that is no certificate', async (t) => {
  const path = join(t.testdir({ 'not.pem': 'not a certificate' }), 'not.pem')
  for (const tls of [{ cert: path, key: path }, { ca: join(path, 'missing') }]) {
    const sink = new HttpSink(httpConfig('https://127.0.0.1/', { tls: { verify: true, ...tls } }), context)
    await t.rejects(sink.start(), { code: 'SPW_ERR_SINK_TLS', message: /^sinks\.siem\.tls: / })
    await sink.stop()
  }
})
