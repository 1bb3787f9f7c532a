import t from 'tap'
import { decodeOne, fieldsOf } from './decode-one.ts'

const RECEIVED = '2026-11-22T05:00:00.000Z'

t.test('all fields of a message', (t) => {
  const { event, json, severity, timeMs } = decodeOne(
    '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 8710 ID47 ' +
      '[exampleSDID@32473 iut="3" eventSource="Application"] An event "log" entry\tof \\ two\nlines',
  )
  t.equal(
    json,
    '{"timestamp":"2003-10-11T22:14:15.003Z","source_ip":"192.0.2.9","event_type":"evntslog","severity":3,' +
      '"raw_payload":{"facility":20,"severity":5,"hostname":"mymachine.example.com","app_name":"evntslog",' +
      '"proc_id":"8710","msg_id":"ID47",' +
      '"structured_data":{"exampleSDID@32473":{"iut":"3","eventSource":"Application"}},' +
      '"message":"An event \\"log\\" entry\\tof \\\\ two\\nlines"}}',
    'in this order',
  )
  t.equal(event.raw_payload.message, 'An event "log" entry\tof \\ two\nlines')
  t.equal(severity, 3)
  t.equal(timeMs, Date.UTC(2003, 9, 11, 22, 14, 15, 3))
  t.end()
})

t.test('the eight severities', (t) => {
  const severities = [0, 1, 2, 3, 4, 5, 6, 7].map((value) => decodeOne(`<${value}>1 - - - - - -`).severity)
  t.strictSame(severities, [10, 9, 8, 7, 5, 3, 2, 1])
  t.end()
})

const cases: Record<string, readonly [message: string, fields: Record<string, unknown>]> = {
  'all NILVALUEs': ['<1>1 - - - - - -', { time: RECEIVED }],
  'no structured data, a message': ['<1>1 - - - - - - A', { time: RECEIVED, message: 'A' }],
  'only the process id': ['<1>1 - - - 12 - -', { time: RECEIVED, proc_id: '12' }],
  'only the message id': ['<1>1 - - - - ID1 -', { time: RECEIVED, msg_id: 'ID1' }],
  'another version': ['<1>101 - h a - - - x', { time: RECEIVED, hostname: 'h', app_name: 'a', message: 'x' }],
  'without a priority': [
    '1 2020-05-22T14:59:09.250-03:00 OX-MX204 OX:rpd 6589 - - bgp: up',
    {
      time: '2020-05-22T17:59:09.250Z',
      hostname: 'OX-MX204',
      app_name: 'OX:rpd',
      proc_id: '6589',
      message: 'bgp: up',
    },
  ],
  'a priority without its <': [
    '86>1 2023-06-01T15:57:33.760Z 10.164.2.132 SecureAuth2 2928 ID90020 - x',
    {
      time: '2023-06-01T15:57:33.760Z',
      hostname: '10.164.2.132',
      app_name: 'SecureAuth2',
      proc_id: '2928',
      msg_id: 'ID90020',
      message: 'x',
    },
  ],
  'blanks and line breaks around': [
    '\n   <13>1 2019-02-13T19:48:34+00:00 74794bfb6795 root 8449 - - i am foobar\r\n   \0',
    {
      time: '2019-02-13T19:48:34Z',
      hostname: '74794bfb6795',
      app_name: 'root',
      proc_id: '8449',
      message: 'i am foobar',
    },
  ],
  'a BOM before the priority and before the text': [
    '\ufeff<13>1 2019-02-13T19:48:34Z h a - - - \ufeffκόσμε 𐌼',
    { time: '2019-02-13T19:48:34Z', hostname: 'h', app_name: 'a', message: 'κόσμε 𐌼' },
  ],
  'a BOM inside the text stays': [
    '<13>1 2019-02-13T19:48:34Z h a - - - x\ufeffy',
    { time: '2019-02-13T19:48:34Z', hostname: 'h', app_name: 'a', message: 'x\ufeffy' },
  ],
  'blanks at the start and end of the text stay': [
    '<13>1 2019-02-13T19:48:34Z h a - - -  x ',
    { time: '2019-02-13T19:48:34Z', hostname: 'h', app_name: 'a', message: ' x ' },
  ],
  'an IPv6 address': [
    '<34>1 2003-10-11T22:14:15.003Z ::FFFF:129.144.52.38 su - ID47 - bananas',
    {
      time: '2003-10-11T22:14:15.003Z',
      hostname: '::FFFF:129.144.52.38',
      app_name: 'su',
      msg_id: 'ID47',
      message: 'bananas',
    },
  ],
  'an app name that is too long for the RFC': [
    `<34>1 2003-10-11T22:14:15Z h ${'x'.repeat(200)} - - - y`,
    { time: '2003-10-11T22:14:15Z', hostname: 'h', app_name: 'x'.repeat(200), message: 'y' },
  ],
  'a host name that is too long for anybody': [
    `<1>1 - ${'x'.repeat(256)} - - - -`,
    { time: RECEIVED, message: `1 - ${'x'.repeat(256)} - - - -` },
  ],
  'an empty field does not shift the others': [
    '<165>1 2007-02-15T09:17:15.719Z  mgd 3046 UI_COMMIT - text',
    {
      time: '2007-02-15T09:17:15.719Z',
      hostname: 'mgd',
      app_name: undefined,
      message: '3046 UI_COMMIT - text',
    },
  ],
  'a line break in the header': [
    '<1>1 - \nhostname - - - -',
    { time: RECEIVED, message: '1 - \nhostname - - - -' },
  ],
  'broken structured data begins the message': [
    '<13>1 2019-02-13T19:48:34Z h root 8449 - [incorrect x=] qwerty',
    {
      time: '2019-02-13T19:48:34Z',
      hostname: 'h',
      app_name: 'root',
      proc_id: '8449',
      message: '[incorrect x=] qwerty',
    },
  ],
  'no structured data, not even a NILVALUE': [
    '<13>1 2019-01-18T11:07:53.520Z 192.168.1.1 LEEF:1.0|Microsoft|MSExchange|4.0 SP1|15345|src=192.0.2.0 dst=1 sev=5',
    {
      time: '2019-01-18T11:07:53.520Z',
      hostname: '192.168.1.1',
      message: 'LEEF:1.0|Microsoft|MSExchange|4.0 SP1|15345|src=192.0.2.0 dst=1 sev=5',
    },
  ],
  'neither host nor structured data': [
    '<165>1 2007-02-15T09:17:15.719Z mib2d[1484]: SNMP_TRAP_LINK_UP: ifIndex 584, ifAdminStatus up(1)',
    {
      time: '2007-02-15T09:17:15.719Z',
      app_name: 'mib2d',
      proc_id: '1484',
      message: 'SNMP_TRAP_LINK_UP: ifIndex 584, ifAdminStatus up(1)',
    },
  ],
  'Meraki: a version, seconds since 1970, a host and a kind': [
    '<134>1 1563249630.774247467 remote_DC1_appliance security_event ids_alerted signature=1:28423:1 priority=1',
    {
      time: '2019-07-16T04:00:30.774247467Z',
      hostname: 'remote_DC1_appliance',
      app_name: 'security_event',
      message: 'ids_alerted signature=1:28423:1 priority=1',
    },
  ],
  'cut off behind the version': ['<1>1', { time: RECEIVED, message: '1' }],
  'cut off behind the time': [
    '<1>2 2003-08-24T05:14:15.000003-07:00',
    { time: '2003-08-24T12:14:15.000003Z' },
  ],
  'cut off behind the host': [
    '<1>2 2003-08-24T05:14:15-07:00 host1',
    { time: '2003-08-24T12:14:15Z', hostname: 'host1' },
  ],
  'a version of four digits': ['<101>1000 2018-11-22', { time: RECEIVED, message: '1000 2018-11-22' }],
  'a time that can not be one': [
    '<101>12 2003-09-31T22:14:16Z host app - - - x',
    { time: RECEIVED, message: '12 2003-09-31T22:14:16Z host app - - - x' },
  ],
}

for (const [name, [message, fields]] of Object.entries(cases)) {
  t.test(name, (t) => {
    const expected = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
    t.strictSame(fieldsOf(message), expected, message)
    t.end()
  })
}

t.test('priorities', (t) => {
  const priorities: [message: string, facility: number, severity: number, text: string | undefined][] = [
    ['<0>1 - - - - - - x', 0, 0, 'x'],
    ['<191>1 - - - - - - x', 23, 7, 'x'],
    ['<013>1 - - - - - - x', 1, 5, 'x'],
    ['<007>x', 0, 7, 'x'],
    ['<192>x', 1, 5, '<192>x'],
    ['<999>Oct 11 22:14:15 host app: x', 1, 5, '<999>Oct 11 22:14:15 host app: x'],
    ['<1000>x', 1, 5, '<1000>x'],
    ['<>x', 1, 5, '<>x'],
    ['<-1>x', 1, 5, '<-1>x'],
    ['<1', 1, 5, '<1'],
    ['<13 >x', 1, 5, '<13 >x'],
    ['(190>122 2018-11-22', 1, 5, '(190>122 2018-11-22'],
    ['21>text without a header', 1, 5, '21>text without a header'],
    ['122 - - - - - -', 1, 5, '122 - - - - - -'],
    ['<34>', 4, 2, undefined],
  ]
  for (const [message, facility, severity, text] of priorities) {
    const { raw_payload: payload } = decodeOne(message).event
    t.strictSame([payload.facility, payload.severity, payload.message], [facility, severity, text], message)
  }
  t.end()
})

t.test('the event type is the app name, else syslog', (t) => {
  t.equal(decodeOne('<1>1 - - su - - -').event.event_type, 'su')
  t.equal(decodeOne('<1>1 - h - - - - x').event.event_type, 'syslog')
  t.equal(decodeOne('<1>1 - - a"b\\c - - -').event.event_type, 'a"b\\c')
  t.end()
})
