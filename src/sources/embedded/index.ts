import type { Source } from '../../pipeline/source.ts'

/** No door at all: what comes in is enqueued by the program around the collector, as it can be at every source. */
export class EmbeddedSource implements Source {
  readonly address = ''

  async start(): Promise<void> {}

  async stop(): Promise<void> {}
}
