import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { Batch, BATCH_BYTES_MAX } from '../../../src/commands/send/batch.ts'
import { FileSupply } from '../../../src/commands/send/file-supply.ts'
import { SyntheticSupply } from '../../../src/commands/send/supply.ts'
import type { Supply } from '../../../src/commands/send/supply.ts'
import {
  FIRST_NUMBER,
  makeMalformedTemplates,
  makeTemplates,
  timeText,
} from '../../../src/commands/send/template.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'

const NOW_MS = Date.parse('2026-11-22T08:15:00.125Z')
const common = { framing: 'newline', seed: 7 } as const

function synthetic(malformedShare = 0): SyntheticSupply {
  return new SyntheticSupply({
    format: 'json',
    templates: makeTemplates({ ...common, format: 'json', count: 50 }),
    malformedTemplates: makeMalformedTemplates({ ...common, count: 8 }),
    malformedShare: () => malformedShare,
    firstNumber: FIRST_NUMBER,
    wallClock: () => NOW_MS,
  })
}

t.test('synthetic events: each has its number, the time, and what soc asks for', async (t) => {
  const batch = new Batch(300)
  synthetic().load(batch, 300)
  t.equal(batch.events, 300)
  const lines = batch.filled.toString().split('\n').slice(0, -1)
  for (const [index, line] of lines.entries()) {
    const event = JSON.parse(line)
    t.equal(event.seq, FIRST_NUMBER + index)
    t.equal(event.timestamp, '2026-11-22T08:15:00.125Z')
    t.ok(Number.isInteger(event.severity) && event.severity >= 0 && event.severity <= 10)
    t.match(event, {
      source_ip: /^\d+\.\d+\.\d+\.\d+$/,
      event_type: String,
      message: String,
      raw_payload: Object,
    })
    t.equal(Buffer.from(batch.event(index)).toString(), `${line}\n`)
  }
  t.ok(new Set(lines.map((line) => JSON.parse(line).event_type)).size > 4, 'of many kinds')
})

t.test('a share of them is malformed, and counted', async (t) => {
  const supply = synthetic(0.03)
  const batch = new Batch(250)
  let malformed = 0
  for (let turn = 0; turn < 8; turn++) {
    batch.clear()
    supply.load(batch, 250)
    malformed += batch.malformed
  }
  t.ok(Math.abs(malformed - 60) <= 1, `${malformed} of 2,000`)
})

t.test('a batch is bounded by events and bytes', async (t) => {
  const batch = new Batch(20_000)
  synthetic().load(batch, 20_000)
  t.ok(batch.length <= BATCH_BYTES_MAX && batch.length > BATCH_BYTES_MAX * 0.95, 'as full as it may be')
  const small = new Batch(3)
  synthetic().load(small, 100)
  t.equal(small.events, 3)
})

t.test('the time in syslog of old has one length', async (t) => {
  t.match(timeText('rfc3164', new Date(2026, 10, 2, 3, 4, 5).getTime()), /^Nov  2 03:04:05$/)
  t.match(timeText('rfc3164', new Date(2026, 0, 22, 13, 14, 15).getTime()), /^Jan 22 13:14:15$/)
})

async function fileSupply(test: Test, text: string, looped = false): Promise<FileSupply> {
  const file = join(temporaryDirectory(test), 'events')
  writeFileSync(file, text)
  const supply = await FileSupply.open(file, 'newline', looped)
  test.teardown(() => supply.close())
  return supply
}

async function drained(supply: Supply, eventsMax: number, batches = Infinity): Promise<string[]> {
  const batch = new Batch(eventsMax)
  const texts: string[] = []
  for (let turn = 0; turn < batches; turn++) {
    batch.clear()
    await supply.load(batch, eventsMax)
    if (batch.events === 0) break
    texts.push(batch.filled.toString())
  }
  return texts
}

t.test('the lines of a file, whatever their ends and lengths', async (t) => {
  const lines = Array.from({ length: 5000 }, (_, n) => `${n}:${'y'.repeat((n * 7919) % 700)}`)
  lines[1234] = 'z'.repeat(3_000_000)
  const text = `\n\n${lines.map((line, n) => line + ['\n', '\r\n', '\n\n'][n % 3]!).join('')}end`
  const supply = await fileSupply(t, text)
  t.equal(supply.progress, 0)
  const batches = await drained(supply, 333)
  t.equal(batches.join(''), `${lines.join('\n')}\nend\n`)
  t.equal(supply.progress, 1)
})

t.test('a file that is looped begins anew; one without a line ends', async (t) => {
  t.same(await drained(await fileSupply(t, 'a\nb', true), 5, 2), ['a\nb\na\nb\na\n', 'b\na\nb\na\nb\n'])
  t.same(await drained(await fileSupply(t, '\n\r\n', true), 5), [])
  t.same(await drained(await fileSupply(t, '', true), 5), [])
})

t.test('a file that can not be one', async (t) => {
  await t.rejects(FileSupply.open('/nowhere/at/all', 'newline', false), { code: 'SPW_ERR_SEND_FILE' })
  const directory = await FileSupply.open(temporaryDirectory(t), 'newline', false)
  t.teardown(() => directory.close())
  await t.rejects(directory.load(new Batch(5), 5), { code: 'SPW_ERR_SEND_FILE', message: /EISDIR/ })
  const endless = await FileSupply.open('/dev/zero', 'newline', true)
  t.teardown(() => endless.close())
  await t.rejects(endless.load(new Batch(5), 5), { message: /a line is longer than 16MiB/ })
})
