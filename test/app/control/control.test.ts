import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { callControl } from '../../../src/app/control/client.ts'
import { ControlServer } from '../../../src/app/control/server.ts'
import type { ControlHandler } from '../../../src/app/control/server.ts'
import { spwError } from '../../../src/base/errors.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'

const handlers: Record<string, ControlHandler> = {
  echo: async (body) => ({ body }),
  refuse: async () => {
    throw spwError('SPW_ERR_SINK_UNKNOWN', { sink: 'siem', known: 'none' })
  },
  break: async () => {
    throw new Error('a defect')
  },
}

async function serve(test: Test, directory: string, more: Record<string, ControlHandler> = {}) {
  const errors: unknown[] = []
  const path = join(directory, 'control.sock')
  const onError = (error: unknown) => void errors.push(error)
  const server = new ControlServer({ path, handlers: { ...handlers, ...more }, onError })
  test.teardown(() => server.stop())
  await server.start()
  return { server, path, errors }
}

/** A method that ends when the test says so. */
function slowHandler() {
  const begun = Promise.withResolvers<void>()
  const done = Promise.withResolvers<object>()
  const slow: ControlHandler = () => {
    begun.resolve()
    return done.promise
  }
  return { slow, underWay: begun.promise, finish: () => done.resolve({ done: true }) }
}

const post = (body: string, method = 'echo') =>
  `POST /${method} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`

/** Sends bytes, resolves to all that is answered until the connection ends. */
function talk(path: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path, () => socket.write(bytes))
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

t.test('a command asks, the collector answers', async (t) => {
  const directory = temporaryDirectory(t)
  const { path } = await serve(t, directory)
  t.same(await callControl(directory, 'echo', { sink: 'séîm' }), { body: { sink: 'séîm' } })
  t.equal(statSync(path).mode & 0o777, 0o600, 'its owner alone')
})

t.test('where nobody listens, there is no answer', async (t) => {
  const directory = temporaryDirectory(t)
  t.equal(await callControl(directory, 'echo', {}), null)
  t.equal(await callControl(join(directory, 'nowhere'), 'echo', {}), null)
  const { server, path } = await serve(t, directory)
  await server.stop()
  t.notOk(existsSync(path), 'a clean stop leaves nothing')
  t.equal(await callControl(directory, 'echo', {}), null)
})

t.test('what a killed process has left is no hindrance', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'control.sock')
  const killed = createSocketServer()
  await new Promise<void>((resolve) => killed.listen(join(directory, 'before'), resolve))
  renameSync(join(directory, 'before'), path)
  await new Promise((resolve) => killed.close(resolve))
  t.ok(statSync(path).isSocket())
  t.equal(await callControl(directory, 'echo', 1), null)
  await serve(t, directory)
  t.same(await callControl(directory, 'echo', 1), { body: 1 })
})

t.test('errors arrive as they were thrown', async (t) => {
  const directory = temporaryDirectory(t)
  const { errors } = await serve(t, directory)
  await t.rejects(callControl(directory, 'refuse', {}), {
    code: 'SPW_ERR_SINK_UNKNOWN',
    exitCode: 2,
    message: /no sink siem has left/,
  })
  t.same(errors, [])
  await t.rejects(callControl(directory, 'break', {}), {
    code: 'SPW_ERR_CONTROL_FAILED',
    message: /answers 500: a defect/,
  })
  t.match(errors, [/a defect/])
  await t.rejects(callControl(directory, 'toString', {}), {
    message: /answers 404: there is no method toString/,
  })
})

t.test('only what is a small request in JSON is heard', async (t) => {
  const directory = temporaryDirectory(t)
  const { path } = await serve(t, directory)
  t.match(await talk(path, 'GET /echo HTTP/1.1\r\nhost: x\r\n\r\n'), /^HTTP\/1.1 405 /)
  t.match(await talk(path, post('{')), /^HTTP\/1.1 400 [^]*the body is no JSON/)
  t.match(await talk(path, post('"'.padEnd(65_537))), /^HTTP\/1.1 413 [^]*longer than 65536 bytes/)
  t.match(await talk(path, post(JSON.stringify('x'.repeat(65_530)))), /^HTTP\/1.1 200 /)
  t.match(await talk(path, `GET / HTTP/1.1\r\nx: ${'y'.repeat(5000)}\r\n\r\n`), /^HTTP\/1.1 431 /)
})

t.test('a path that is longer than an address of a socket', async (t) => {
  const directory = join(temporaryDirectory(t), 'd'.repeat(60), 'e'.repeat(60))
  mkdirSync(directory, { recursive: true })
  const { server, path } = await serve(t, directory)
  t.ok(path.length > 107 && statSync(path).isSocket())
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(await callControl(directory, 'echo', 1), { body: 1 })
  await server.stop()
  t.notOk(existsSync(path))
  t.equal(await callControl(directory, 'echo', 1), null)
})

t.test('a stop lets what is being done end, and closes everything else', async (t) => {
  const directory = temporaryDirectory(t)
  const { slow, underWay, finish } = slowHandler()
  const { server, path } = await serve(t, directory, { slow })
  const asked = callControl(directory, 'slow', {})
  await underWay
  const idle = talk(path, '')
  const unfinished = talk(path, 'POST /echo HTTP/1.1\r\n')
  const stopped = Promise.all([server.stop(), server.stop()])
  finish()
  t.same(await asked, { done: true })
  await stopped
  t.same([await unfinished, await idle], ['', ''])
  await server.stop()
})

t.test('who goes away before the answer leaves nothing behind', async (t) => {
  const directory = temporaryDirectory(t)
  const { slow, underWay, finish } = slowHandler()
  const { server, path, errors } = await serve(t, directory, { slow })
  const socket = connect(path, () => socket.write(post('{}', 'slow')))
  await underWay
  await new Promise<void>((resolve) => socket.once('close', () => resolve()).destroy())
  t.same(await callControl(directory, 'echo', 1), { body: 1 })
  finish()
  await server.stop()
  t.same(errors, [])
})

t.test('a stop before the start, and a path that cannot be used', async (t) => {
  const directory = temporaryDirectory(t)
  const server = new ControlServer({ path: join(directory, 'no', 'control.sock'), handlers })
  await server.stop()
  await t.rejects(server.start(), { code: 'SPW_ERR_CONTROL_UNUSABLE' })
  await server.stop()
  const long = new ControlServer({ path: join(directory, 'n'.repeat(120), 'control.sock'), handlers })
  await t.rejects(long.start(), { code: 'SPW_ERR_CONTROL_UNUSABLE', message: /ENOENT/ })
})

t.test('an answer that is none is an error', async (t) => {
  const answers = [
    '[]',
    '{',
    JSON.stringify({ x: 'y'.repeat(2_000_000) }),
    '{"code":"SPW_ERR_OF_LATER","details":{}}',
  ]
  const messages = [/no object/, /JSON/, /too long/, /answers 422/]
  for (const [index, answer] of answers.entries()) {
    const directory = temporaryDirectory(t)
    const server = createServer((_request, response) =>
      response.writeHead(index === 3 ? 422 : 200).end(answer),
    )
    await new Promise<void>((resolve) => server.listen(join(directory, 'control.sock'), resolve))
    await t.rejects(callControl(directory, 'echo', {}), {
      code: 'SPW_ERR_CONTROL_FAILED',
      message: messages[index]!,
    })
    server.close()
  }
  const directory = temporaryDirectory(t)
  const silent = createSocketServer()
  await new Promise<void>((resolve) => silent.listen(join(directory, 'control.sock'), resolve))
  t.teardown(() => silent.close())
  await t.rejects(callControl(directory, 'echo', {}, 20), { message: /no answer within 20 ms/ })
})
