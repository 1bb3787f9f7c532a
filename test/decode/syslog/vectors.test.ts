/**
 * The decoder against the vectors of other parsers and real devices' messages, under SPILLWAY_VECTORS. Where it differs on
 * purpose, the message is in `exceptions`, with the reason.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { RECEIVED_AT_MS, decodeOne } from './decode-one.ts'
import type { DecodedEvent } from './decode-one.ts'
import { exceptions } from './vector-exceptions.ts'

const vectors = process.env.SPILLWAY_VECTORS
const folder = join(vectors ?? '', 'syslog')
const skip = vectors === undefined ? 'SPILLWAY_VECTORS is not set' : false
const used = new Set<string>()

const FACILITIES = (
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock ' +
  'local0 local1 local2 local3 local4 local5 local6 local7'
).split(' ')
const SEVERITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug']

type Fields = Record<string, unknown>

function json(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(folder, ...path), 'utf8'))
}

function lines(...path: string[]): string[] {
  return readFileSync(join(folder, ...path), 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
}

/** Where the event is not what is expected; only the fields that are named are compared. */
function differences(event: DecodedEvent, expected: Fields): string[] {
  const actual: Fields = { ...event.raw_payload, timestamp: event.timestamp }
  return Object.entries(expected)
    .filter(([key, value]) => JSON.stringify(actual[key]) !== JSON.stringify(value))
    .map(([key, value]) => `${key}: ${JSON.stringify(actual[key])}, not ${JSON.stringify(value)}`)
}

/** Compares messages one by one; 1 for each that is as expected, 0 for an exception. */
function compare(t: Test, id: string, message: string | Uint8Array, expected: Fields): number {
  const found = differences(decodeOne(message).event, expected)
  if (exceptions[id] === undefined) {
    if (found.length > 0) t.fail(`${id}: ${String(message).slice(0, 120)}\n${found.join('\n')}`)
    return 1
  }
  used.add(id)
  t.ok(found.length > 0, `${id}: an exception is none any more`)
  return 0
}

/** RFC 3339, in UTC, with the digits that it has. */
function utc(time: string): string {
  const fraction = /\.\d+/.exec(time)?.[0] ?? ''
  return new Date(Date.parse(time)).toISOString().replace(/\.\d+/, fraction)
}

interface GoMessage {
  readonly facility?: number
  readonly severity?: number
  readonly timestamp?: string
  readonly hostname?: string
  readonly appname?: string
  readonly procid?: string
  readonly msgid?: string
  readonly structured_data?: Fields
  readonly message?: string | { readonly b64: string }
}

interface GoCase {
  readonly id: string
  readonly input_b64: string
  readonly valid: boolean
  readonly expected: GoMessage | null
  readonly best_effort_expected?: GoMessage | null
}

function fromGo(message: GoMessage): Fields {
  const text =
    typeof message.message === 'object'
      ? new TextDecoder('windows-1252').decode(Buffer.from(message.message.b64, 'base64'))
      : message.message?.replace(/^\ufeff/, '')
  const { timestamp } = message
  return {
    facility: message.facility,
    severity: message.severity,
    timestamp:
      timestamp === undefined
        ? new Date(RECEIVED_AT_MS).toISOString()
        : /^\d/.test(timestamp)
          ? utc(timestamp)
          : decodeOne(`<13>${timestamp}`).event.timestamp,
    hostname: message.hostname,
    app_name: message.appname,
    proc_id: message.procid,
    msg_id: message.msgid,
    structured_data: message.structured_data,
    message: text === '' ? undefined : text,
  }
}

t.test('go-syslog: what it takes', { skip }, (t) => {
  let compared = 0
  for (const file of ['rfc5424.json', 'rfc3164.json']) {
    for (const { id, input_b64: input, valid, expected } of json('go-syslog', file) as GoCase[]) {
      if (valid) compared += compare(t, id, Buffer.from(input, 'base64'), fromGo(expected!))
    }
  }
  t.ok(compared >= 30, `${compared} compared`)
  t.end()
})

t.test('go-syslog: of what it refuses no field is made up, and nothing is lost', { skip }, (t) => {
  let compared = 0
  for (const { id, input_b64: input, valid, best_effort_expected: partly } of json(
    'go-syslog',
    'rfc5424.json',
  ) as GoCase[]) {
    const bytes = Buffer.from(input, 'base64')
    if (valid || bytes.length === 0) continue
    const { raw_payload: payload } = decodeOne(bytes).event
    const best = fromGo(partly ?? {})
    const { hostname, app_name: appName, proc_id: procId, msg_id: msgId, message = '' } = payload
    const wrong = differences(decodeOne(bytes).event, {
      ...(hostname !== undefined && { hostname: best.hostname }),
      ...(appName !== undefined && { app_name: best.app_name }),
      ...(procId !== undefined && { proc_id: best.proc_id }),
      ...(msgId !== undefined && { msg_id: best.msg_id }),
      ...(partly !== null && partly !== undefined && { facility: best.facility, severity: best.severity }),
    })
    const read = [hostname, appName, procId, msgId, JSON.stringify(payload.structured_data), message].join(
      ' ',
    )
    const words = bytes.toString('latin1').match(/[a-z]{4,}/g) ?? []
    wrong.push(...words.filter((word) => !read.includes(word)).map((word) => `${word} is lost`))
    if (exceptions[id] !== undefined) {
      used.add(id)
      t.ok(wrong.length > 0, `${id}: an exception is none any more`)
    } else if (wrong.length > 0) t.fail(`${id}: ${bytes.toString()}\n${wrong.join('\n')}`)
    compared++
  }
  t.ok(compared >= 50, `${compared} compared`)
  t.end()
})

interface LooseCase {
  readonly id: string
  readonly input: string
  readonly expected: {
    readonly facility: number | null
    readonly severity: number | null
    readonly timestamp: { local_time: string; offset_seconds: number | null; sub: string | null } | null
    readonly hostname: string | null
    readonly appname: string | null
    readonly procid: string | null
    readonly msgid: string | null
    readonly structured_data: { id: string; params: [string, string][] }[]
    readonly msg: string
  }
}

t.test('syslog_loose', { skip }, (t) => {
  let compared = 0
  for (const { id, input, expected } of json('syslog-loose', 'vectors.json') as LooseCase[]) {
    const data = expected.structured_data.map((element) => [element.id, Object.fromEntries(element.params)])
    compared += compare(t, `syslog-loose ${id}`, input, {
      facility: expected.facility ?? 1,
      severity: expected.severity ?? 5,
      hostname: expected.hostname ?? undefined,
      app_name: expected.appname ?? undefined,
      proc_id: expected.procid ?? undefined,
      msg_id: expected.msgid ?? undefined,
      structured_data: data.length === 0 ? undefined : Object.fromEntries(data),
      message: expected.msg,
    })
    // Their year is one of the test's own.
    if (expected.timestamp === null) continue
    t.equal(decodeOne(input).event.timestamp.slice(4, 19), expected.timestamp.local_time.slice(4), id)
  }
  t.ok(compared >= 9, `${compared} compared`)
  t.end()
})

interface RsyslogScript {
  readonly source: string
  readonly output_template: string | null
  readonly cases: { readonly input: string; readonly expected_output?: string }[]
}

/** rsyslog writes control characters as # or backslash and three octal digits, and keeps the blank before a text. */
function fromRsyslog(text: string): string {
  return text
    .replaceAll(/#([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    .replaceAll('\\t', '\t')
    .trimStart()
}

t.test('rsyslog: its parser tests', { skip }, (t) => {
  let compared = 0
  for (const { source, output_template: template, cases } of json(
    'rsyslog',
    'parser-tests.json',
  ) as RsyslogScript[]) {
    if (!template?.startsWith('%PRI%,')) continue
    const names = template.split(/%[,\\]/).map((name) => name.replaceAll('%', '').replace(/:.*/, ''))
    cases.forEach(({ input, expected_output: output }, index) => {
      if (output === undefined) return
      const parts = output.split(',')
      const value: Record<string, string> = {}
      const before = names.indexOf('msg')
      names.slice(0, before).forEach((name, at) => (value[name] = parts[at]!))
      const message = fromRsyslog(parts.slice(before).join(','))
      const host = value.hostname
      const id = `${source.replace('tests/', '')} ${index}`
      const { event } = decodeOne(input)
      compared += compare(t, id, input, {
        facility: FACILITIES.indexOf(value['syslogfacility-text']!),
        severity: SEVERITIES.indexOf(value['syslogseverity-text']!),
        ...(host !== undefined && { hostname: host === '$RS_HOSTNAME' || host === '' ? undefined : host }),
        app_name: value.programname === '' ? undefined : value.programname,
        // The outputs of long messages are cut off.
        message:
          message === ''
            ? undefined
            : event.raw_payload.message?.startsWith(message)
              ? event.raw_payload.message
              : message,
      })
    })
  }
  t.ok(compared >= 35, `${compared} compared`)
  t.end()
})

t.test('rsyslog: Windows messages of Snare', { skip }, (t) => {
  let compared = 0
  for (const line of lines('rsyslog', 'snare-sample-events.log')) {
    const [, priority, time, host, message] = /^<(\d+)>1 (\S+) (\S+) - - - - (.*)$/su.exec(line)!
    compared += compare(t, 'snare', line, {
      facility: Number(priority) >> 3,
      severity: Number(priority) & 7,
      timestamp: time,
      hostname: host,
      app_name: undefined,
      message,
    })
  }
  for (const line of lines('rsyslog', 'snare-sample-windows2025-security.log')) {
    const [, priority, time, host, tag, message] = /^<(\d+)>(.{15}) (\S+) (\S+)\t(.*)$/su.exec(line)!
    const [month, day, clock] = time!.split(/ +/)
    compared += compare(t, 'snare', line, {
      facility: Number(priority) >> 3,
      severity: Number(priority) & 7,
      timestamp: utc(`${month} ${day} 2026 ${clock} UTC`),
      hostname: host,
      app_name: tag,
      message,
    })
  }
  t.equal(compared, 105)
  t.end()
})

t.test('telegraf', { skip }, (t) => {
  let compared = 0
  for (const name of readdirSync(join(folder, 'telegraf'))) {
    if (name === 'SOURCE.md' || !readdirSync(join(folder, 'telegraf', name)).includes('expected.out'))
      continue
    const output = lines('telegraf', name, 'expected.out')[0]!
    const input = lines('telegraf', name, 'input.txt')[0]!.replace(/^\d+ (?=<)/, '')
    const field = (key: string): string | undefined =>
      new RegExp(String.raw`[, ]${key}=(?:"((?:[^"\\]|\\.)*)"|([^, ]+))`, 'u')
        .exec(output)
        ?.slice(1)
        .find((value) => value !== undefined)
        ?.replaceAll(/\\(.)/g, '$1')
    const nanoseconds = /timestamp=(\d+)i/.exec(output)?.[1]
    compared += compare(t, `telegraf ${name}`, input, {
      facility: Number(field('facility_code')!.slice(0, -1)),
      severity: Number(field('severity_code')!.slice(0, -1)),
      hostname: field('hostname'),
      app_name: field('appname'),
      proc_id: field('procid'),
      msg_id: field('msgid'),
      message: field('message'),
    })
    if (nanoseconds !== undefined)
      t.equal(decodeOne(input).timeMs, Number(BigInt(nanoseconds) / 1_000_000n), name)
    const sequence = field('meta_sequence')
    t.equal(decodeOne(input).event.raw_payload.structured_data?.meta?.sequence, sequence, name)
  }
  t.ok(compared >= 14, `${compared} compared`)
  t.end()
})

t.test('metron', { skip }, (t) => {
  let compared = 0
  for (const line of [
    ...lines('metron', 'rfc3164-cisco.parsed.ndjson'),
    ...lines('metron', 'rfc5424.parsed.ndjson'),
  ]) {
    const parsed: Record<string, string> = JSON.parse(line)
    const header = (key: string): string | undefined => {
      const value = parsed[`syslog.header.${key}`]
      return value === '-' ? undefined : value
    }
    const data: Record<string, Record<string, string>> = {}
    for (const [key, value] of Object.entries(parsed)) {
      const path = /^syslog\.structuredData\.(.*)\.(.*)$/.exec(key)
      if (path !== null) (data[path[1]!] ??= {})[path[2]!] = value
    }
    const { event } = decodeOne(parsed.original_string!)
    const { app_name: appName, message, structured_data: structuredData } = event.raw_payload
    const isCisco = parsed['source.type'] === 'syslog3164'
    compared += compare(t, `metron ${compared}`, parsed.original_string!, {
      facility: Number(header('facility')),
      severity: Number(header('severity')),
      hostname: header('hostName'),
      proc_id: header('procId'),
      msg_id: header('msgId'),
    })
    // Metron's RFC 3164 parser knows no tag.
    t.equal(isCisco ? `${appName}: ${message}` : message, parsed['syslog.message'])
    if (isCisco) continue
    t.equal(appName, header('appName'))
    t.strictSame(structuredData, Object.keys(data).length === 0 ? undefined : sorted(data, structuredData))
  }
  t.equal(compared, 53)
  for (const line of lines('metron', 'paloalto-threat-traffic.raw')) {
    const [, priority, host, message] = /^<(\d+)>.{15} (\S+) (.*)$/su.exec(line)!
    compared += compare(t, 'metron paloalto', line, {
      facility: Number(priority) >> 3,
      severity: Number(priority) & 7,
      hostname: host,
      app_name: undefined,
      message: message!,
    })
  }
  t.equal(compared, 153)
  t.end()
})

/** The same with its keys in the order of `like`. */
function sorted(data: Record<string, Record<string, string>>, like: typeof data | undefined): typeof data {
  return Object.fromEntries(
    Object.keys(like ?? {}).map((id) => [
      id,
      Object.fromEntries(Object.keys(like![id]!).map((name) => [name, data[id]?.[name] ?? ''])),
    ]),
  )
}

interface VendorCase {
  readonly test: string
  readonly line: string
  readonly sc4s_expected: { readonly host_field_is_the_host?: boolean }
}

const VENDOR_HOST = 'sc4s-host1'

t.test('SC4S: messages of vendors', { skip }, (t) => {
  let compared = 0
  let withHost = 0
  for (const file of readdirSync(join(folder, 'sc4s-vendors'))) {
    if (!file.endsWith('.ndjson')) continue
    for (const text of lines('sc4s-vendors', file)) {
      const { line, test, sc4s_expected: expected } = JSON.parse(text) as VendorCase
      const priority = /^<(\d+)>/.exec(line)
      const pri = priority === null ? 13 : Number(priority[1])
      const { hostname } = decodeOne(line).event.raw_payload
      const isHostThere = expected.host_field_is_the_host === true && line.includes(VENDOR_HOST)
      const isHostAround = isHostThere && hostname?.includes(VENDOR_HOST) === true
      compared += compare(t, `sc4s ${test}`, line, {
        facility: pri >> 3,
        severity: pri & 7,
        ...(isHostThere && { hostname: isHostAround ? hostname : VENDOR_HOST }),
      })
      if (isHostAround) withHost++
    }
  }
  t.ok(compared >= 300, `${compared} compared`)
  t.ok(withHost >= 200, `${withHost} with the device's host`)
  t.end()
})

interface ZeekCase {
  readonly pri: string
  readonly facility: string
  readonly severity: string
  readonly message_after_pri: string
}

t.test('zeek: captured datagrams', { skip }, (t) => {
  let compared = 0
  for (const text of lines('zeek-captured', 'messages.ndjson')) {
    const { pri, facility, severity, message_after_pri: rest } = JSON.parse(text) as ZeekCase
    const [, time, host, app, message] = /^1 (\S+) (\S+) (\S+) - - - (.*)$/su.exec(rest)!
    compared += compare(t, `zeek ${compared}`, pri + rest, {
      facility: FACILITIES.indexOf(facility.toLowerCase()),
      severity: SEVERITIES.indexOf(severity.toLowerCase()),
      timestamp: utc(time!),
      hostname: host,
      app_name: app,
      message,
    })
  }
  t.equal(compared, 286)
  t.end()
})

t.test('plaso: files of rsyslog and others', { skip }, (t) => {
  const legacy =
    /^(?<time>\w{3} [ \d]\d [\d:.]+|\S+) (?<host>\S+) (?<app>[^\s:[]+)(?:\[(?<pid>\d+)\])?: (?<text>.*)$/su
  let compared = 0
  for (const file of [
    'syslog',
    'syslog_rsyslog',
    'syslog_ssh.log',
    'syslog_rsyslog_SyslogProtocol23Format',
  ]) {
    for (const line of lines('plaso', file)) {
      const rfc5424 = /^<\d+>1 (?<time>\S+) (?<host>\S+) (?<app>\S+) (?<pid>\S+) - - (?<text>.*)$/su.exec(
        line,
      )
      const parts = (rfc5424 ?? legacy.exec(line))?.groups
      const isOther = parts === undefined || /^\s|^MMM|cron\.daily| kernel: \[997/.test(line)
      if (isOther) continue
      const hasData = parts.text!.startsWith(' [origin ')
      compared += compare(t, `plaso ${file}`, line, {
        hostname: parts.host,
        app_name: parts.app,
        proc_id: parts.pid === '-' ? undefined : parts.pid,
        message: hasData ? 'rsyslogd was HUPed' : parts.text,
      })
    }
  }
  t.ok(compared >= 30, `${compared} compared`)
  for (const line of [...lines('plaso', 'audit_enriched.log'), ...lines('plaso', 'snort3_alert_fast.log')]) {
    t.strictSame(decodeOne(line).event.raw_payload, { facility: 1, severity: 5, message: line })
  }
  t.end()
})

t.test('all exceptions are needed', { skip }, (t) => {
  t.strictSame(
    Object.keys(exceptions).filter((id) => !used.has(id)),
    [],
  )
  t.end()
})
