/** Answers of real stores, from other projects' tests. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { BulkAnswer } from '../../../src/sinks/elasticsearch/bulk-answer.ts'

interface Vector {
  readonly id: string
  readonly response: { readonly items: readonly object[] }
  readonly item_status: readonly (number | null)[]
}

const file = join(process.env.SPILLWAY_VECTORS ?? '', 'es-bulk/responses.json')
const skip =
  (process.env.SPILLWAY_VECTORS === undefined || !existsSync(file)) && 'set SPILLWAY_VECTORS to their folder'

/** Each event goes with the status of its item, and an item without one says nothing of its event. */
function expectedKind(status: number | null): string {
  if (status === null || status >= 500 || status === 429) return 'retry'
  return status === 400 ? 'reject' : 'delivered'
}

t.test('vectors', { skip }, async (t) => {
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[]
  t.ok(vectors.length > 0)
  for (const { id, response, item_status: statuses } of vectors) {
    // A last item that was taken: what is retried or refused is then told one by one.
    const items = [...response.items, { create: { status: 201 } }]
    const answer = new BulkAnswer(items.length, () => 0)
    answer.read(200, Buffer.from(JSON.stringify({ ...response, items })))
    const outcome = answer.classify({ status: 200, headers: {}, body: '', cutOff: null })
    const named = outcome.kind === 'partial' ? outcome.items : []
    t.ok(['ack', 'partial'].includes(outcome.kind), id)
    const kinds = statuses.map((_, place) => named.find(({ index }) => index === place)?.kind ?? 'delivered')
    t.same(kinds, statuses.map(expectedKind), id)
  }
})
