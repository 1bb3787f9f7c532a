import t from 'tap'
import type { Mood } from '../../../src/commands/demo/scenario.ts'
import { Siem } from '../../../src/commands/demo/siem.ts'

t.test('the SIEM counts what it took, each event once, and nothing that it turned away', async (t) => {
  let mood: Mood = { kind: 'fine' }
  const siem = new Siem(() => mood)
  const url = `http://127.0.0.1:${await siem.listen()}/`
  t.teardown(() => siem.close())
  const post = async (...numbers: readonly number[]) => {
    const body = numbers.map((number) => `{"seq":${number},"x":1}\n`).join('')
    const answer = await fetch(url, { method: 'POST', body })
    await answer.text()
    return answer
  }
  t.equal((await post(1_000_000_000, 1_000_000_001, 2_000_000_001)).status, 200)
  t.match(siem.report, { unique: 3, repeats: 0, turnedAway: 0 })
  mood = { kind: 'throttling', status: 503, retryAfterS: 2 }
  const refused = await post(1_000_000_005)
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '2')
  t.match(siem.report, { unique: 3, turnedAway: 1, mood })
  mood = { kind: 'slow', delayMs: 5 }
  await post(1_000_000_005, 1_000_000_000)
  t.match(siem.report, { unique: 4, repeats: 1, slowRequests: 1, strange: 0 })
  mood = { kind: 'fine' }
  await (await fetch(url, { method: 'POST', body: 'nonsense\n{"seq":1000000009}' })).text()
  t.match(siem.report, { unique: 5, repeats: 1, strange: 1 })
})
