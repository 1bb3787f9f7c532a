import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { errorTable, reasonOf, SpillwayError, spwError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { KIB } from '../../base/units.ts'
import { CONTROL_SOCKET, socketName } from './socket-path.ts'
import type { SocketName } from './socket-path.ts'

const ANSWER_BYTES_MAX = 1024 * KIB
const ANSWER_TIMEOUT_MS = 60_000

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Asks the collector that runs on a data directory. Resolves to its answer, or to null where none runs. Throws the
 * SpillwayError that it answers with, or SPW_ERR_CONTROL_FAILED.
 */
export async function callControl(
  dataDir: string,
  method: string,
  body: unknown,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<JsonObject | null> {
  const path = join(dataDir, CONTROL_SOCKET)
  let socket: SocketName | null = null
  try {
    socket = socketName(path)
    const { status, answer } = await exchange(socket.name, method, JSON.stringify(body), timeoutMs)
    if (status === 200) return answer
    throw errorOf(answer) ?? new Error(`it answers ${status}: ${String(answer.message)}`)
  } catch (error) {
    if (error instanceof SpillwayError) throw error
    if (isNobodyThere(error)) return null
    throw spwError('SPW_ERR_CONTROL_FAILED', { path, reason: reasonOf(error) }, { cause: error })
  } finally {
    socket?.close()
  }
}

function exchange(
  socketPath: string,
  method: string,
  body: string,
  timeoutMs: number,
): Promise<{ status: number; answer: JsonObject }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const signal = AbortSignal.timeout(timeoutMs)
    const options = { socketPath, path: `/${method}`, method: 'POST', headers, agent: false, signal } as const
    const asked = request(options, (response) => {
      readAnswer(response).then((answer) => resolve({ status: response.statusCode!, answer }), reject)
    })
    asked.once('error', (error) =>
      reject(signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error),
    )
    asked.end(body)
  })
}

async function readAnswer(response: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  const answer: unknown = JSON.parse(Buffer.concat(chunks).toString())
  if (!isObject(answer)) throw new Error('the answer is no object')
  return answer
}

/** Null where the answer holds none that this version knows. */
function errorOf({ code, details }: JsonObject): SpillwayError | null {
  return isErrorCode(code) && isObject(details) ? new SpillwayError(code, details) : null
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** No socket, or one that a killed process has left. */
function isNobodyThere(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
  )
}
