import { once } from 'node:events'

type Answer = Readonly<Record<string, unknown>>

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Answer
  readonly error?: { readonly message: string }
}

/** One isolate that can be asked by the Chrome DevTools protocol: the main thread's, or a worker's. */
export interface Isolate {
  readonly name: string
  send(method: string, params?: object): Promise<Answer>
}

/** Asks all isolates of a process; workers are reached through the main thread (the domain NodeWorker). */
export class Inspector {
  readonly #socket: WebSocket
  readonly #main: Channel
  readonly #workers = new Map<string, Channel>()

  private constructor(socket: WebSocket) {
    this.#socket = socket
    this.#main = new Channel('main', (text) => socket.send(text))
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data))))
    socket.addEventListener('close', () => {
      for (const channel of [this.#main, ...this.#workers.values()]) channel.gone()
    })
  }

  /** Resolves when it knows the workers that there are. */
  static async connect(url: string): Promise<Inspector> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const inspector = new Inspector(socket)
    await inspector.#main.send('NodeWorker.enable', { waitForDebuggerOnStart: false })
    return inspector
  }

  get isolates(): readonly Isolate[] {
    return [this.#main, ...this.#workers.values()]
  }

  close(): void {
    this.#socket.close()
  }

  #take(message: Message): void {
    const { method, params = {} } = message
    const sessionId = String(params['sessionId'])
    if (method === 'NodeWorker.attachedToWorker') {
      const send = (text: string) =>
        void this.#main.send('NodeWorker.sendMessageToWorker', { sessionId, message: text })
      this.#workers.set(sessionId, new Channel('worker', send))
    } else if (method === 'NodeWorker.detachedFromWorker') {
      this.#workers.delete(sessionId)
    } else if (method === 'NodeWorker.receivedMessageFromWorker') {
      this.#workers.get(sessionId)?.take(JSON.parse(String(params['message'])))
    } else this.#main.take(message)
  }
}

class Channel implements Isolate {
  readonly name: string
  readonly #post: (text: string) => void
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>()
  #lastId = 0

  constructor(name: string, post: (text: string) => void) {
    this.name = name
    this.#post = post
  }

  send(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#lastId
    const answer = Promise.withResolvers<Answer>()
    this.#waiting.set(id, answer)
    this.#post(JSON.stringify({ id, method, params }))
    return answer.promise
  }

  /** Nothing is answered any more. */
  gone(): void {
    for (const answer of this.#waiting.values()) answer.reject(new Error('the collector ended too early'))
    this.#waiting.clear()
  }

  take({ id, result, error }: Message): void {
    const answer = id === undefined ? undefined : this.#waiting.get(id)
    if (answer === undefined) return
    this.#waiting.delete(id!)
    if (error === undefined) answer.resolve(result ?? {})
    else answer.reject(new Error(error.message))
  }
}
