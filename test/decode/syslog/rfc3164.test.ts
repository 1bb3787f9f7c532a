import t from 'tap'
import { fieldsOf } from './decode-one.ts'

const RECEIVED = '2026-11-22T05:00:00.000Z'
const OCT_11 = '2026-10-11T22:14:15Z'

/** Message, then what is expected of it; without a time, the one of 11 October. */
type Case = readonly [message: string, fields: Record<string, unknown>]

const groups: Record<string, readonly Case[]> = {
  'host, tag and process id': [
    ['<34>Oct 11 22:14:15 mymachine su: text', { hostname: 'mymachine', app_name: 'su', message: 'text' }],
    ['<34>Oct 11 22:14:15 h su[42]: text', { hostname: 'h', app_name: 'su', proc_id: '42', message: 'text' }],
    [
      '<34>Oct 11 22:14:15 h CRON[1]: (root) CMD',
      { hostname: 'h', app_name: 'CRON', proc_id: '1', message: '(root) CMD' },
    ],
    [
      '<34>Oct 11 22:14:15 h postfix/smtpd[1]: x',
      { hostname: 'h', app_name: 'postfix/smtpd', proc_id: '1', message: 'x' },
    ],
    [
      '<34>Oct 11 22:14:15 h sshd(pam_unix)[12750]: x',
      { hostname: 'h', app_name: 'sshd(pam_unix)', proc_id: '12750', message: 'x' },
    ],
    [
      '<34>Oct 11 22:14:15 h CMDLOGGER[emWeb]: a.c(83) x',
      { hostname: 'h', app_name: 'CMDLOGGER', proc_id: 'emWeb', message: 'a.c(83) x' },
    ],
    ['<34>Oct 11 22:14:15 h -bash[12]: x', { hostname: 'h', app_name: '-bash', proc_id: '12', message: 'x' }],
    ['<34>Oct 11 22:14:15 h app[]: x', { hostname: 'h', app_name: 'app', message: 'x' }],
    ['<34>Oct 11 22:14:15 h app[7] : x', { hostname: 'h', app_name: 'app', proc_id: '7', message: 'x' }],
    ['<34>Oct 11 22:14:15 h app [7]: x', { hostname: 'h', app_name: 'app', proc_id: '7', message: 'x' }],
    ['<34>Oct 11 22:14:15 h app [7] x', { hostname: 'h', app_name: 'app', message: '[7] x' }],
    ['<34>Oct 11 22:14:15 h app [7]:x', { hostname: 'h', app_name: 'app', message: '[7]:x' }],
    ['<34>Oct 11 22:14:15 h app : x', { hostname: 'h', app_name: 'app', message: 'x' }],
    [
      '<34>Oct 11 22:14:15 h app[7] - log',
      { hostname: 'h', app_name: 'app', proc_id: '7', message: '- log' },
    ],
    [
      '<34>Oct 11 22:14:15 h bluecoat[0]:SPLV5.1 x',
      { hostname: 'h', app_name: 'bluecoat', proc_id: '0', message: 'SPLV5.1 x' },
    ],
    ['<34>Oct 11 22:14:15 h tag:msgnum:3', { hostname: 'h', app_name: 'tag', message: 'msgnum:3' }],
    [
      '<34>Oct 11 22:14:15 h kernel: [  12.34] eth0',
      { hostname: 'h', app_name: 'kernel', message: '[  12.34] eth0' },
    ],
    [
      '<34>Oct 11 22:14:15 h sshd[3]:  two blanks ',
      { hostname: 'h', app_name: 'sshd', proc_id: '3', message: ' two blanks ' },
    ],
    ['<34>Oct 11 22:14:15 h app:', { hostname: 'h', app_name: 'app' }],
    ['<34>Oct 11 22:14:15 h app[1]:', { hostname: 'h', app_name: 'app', proc_id: '1' }],
    ['<34>Oct 11 22:14:15 h', { hostname: 'h' }],
    ['<34>Oct 11 22:14:15 h ', { hostname: 'h' }],
    ['<34>Oct 11 22:14:15 ', {}],
    ['<34>Oct 11 22:14:15', {}],
    [
      'Oct 11 22:14:15 h app: without a priority',
      { hostname: 'h', app_name: 'app', message: 'without a priority' },
    ],
    [
      '135>Oct 11 22:14:15 h suricata[5]: {}',
      { hostname: 'h', app_name: 'suricata', proc_id: '5', message: '{}' },
    ],
    ['<34> Oct 11 22:14:15  h  app: blanks', { hostname: 'h', app_name: 'app', message: 'blanks' }],
  ],
  'a length that framing left before it': [
    ['30 <34>Oct 11 22:14:15 h su: text', { hostname: 'h', app_name: 'su', message: 'text' }],
    ['31 <34>Oct 11 22:14:15 h su: text\n', { hostname: 'h', app_name: 'su', message: 'text' }],
    ['30 <34>Oct 11 22:14:15 h su: text\r\n', { hostname: 'h', app_name: 'su', message: 'text' }],
    ['29 <34>Oct 11 22:14:15 h su: text', { time: RECEIVED, message: '29 <34>Oct 11 22:14:15 h su: text' }],
    ['33 <34>Oct 11 22:14:15 h su: text', { time: RECEIVED, message: '33 <34>Oct 11 22:14:15 h su: text' }],
    ['4 text', { time: RECEIVED, message: '4 text' }],
  ],
  'a tag without a colon': [
    ['<34>Oct 11 22:14:15 h tag This msg', { hostname: 'h', app_name: 'tag', message: 'This msg' }],
    [
      '<34>Oct 11 22:14:15 h CISE_Alarm WARN: x',
      { hostname: 'h', app_name: 'CISE_Alarm', message: 'WARN: x' },
    ],
    ['<34>Oct 11 22:14:15 h darktrace {"a":1}', { hostname: 'h', app_name: 'darktrace', message: '{"a":1}' }],
    [
      '<34>Oct 11 22:14:15 h MSWinEventLog\t1\tSecurity',
      { hostname: 'h', app_name: 'MSWinEventLog', message: '1\tSecurity' },
    ],
    [
      '<34>Oct 11 22:14:15 h OPSWATPC CEF:0|a|b',
      { hostname: 'h', app_name: 'OPSWATPC', message: 'CEF:0|a|b' },
    ],
    [
      '<34>Oct 11 22:14:15 h apache_error [Tue Jun 08] [pid 1] x',
      { hostname: 'h', app_name: 'apache_error', message: '[Tue Jun 08] [pid 1] x' },
    ],
  ],
  'words that are no tag': [
    ['<34>Oct 11 22:14:15 10.0.0.99 Use the BFG!', { hostname: '10.0.0.99', message: 'Use the BFG!' }],
    ['<34>Oct 11 22:14:15 h Some message here', { hostname: 'h', message: 'Some message here' }],
    ['<34>Oct 11 22:14:15 h -- MARK --', { hostname: 'h', message: '-- MARK --' }],
    ['<34>Oct 11 22:14:15 h ERROR something', { hostname: 'h', message: 'ERROR something' }],
    ['<34>Oct 11 22:14:15 h error: something', { hostname: 'h', message: 'error: something' }],
    [
      '<34>Oct 11 22:14:15 h last message repeated 2 times',
      { hostname: 'h', message: 'last message repeated 2 times' },
    ],
    ['<34>Oct 11 22:14:15 last message repeated 2 times', { message: 'last message repeated 2 times' }],
    [
      '<34>Oct 11 22:14:15 h message repeated 2 times: [x]',
      { hostname: 'h', message: 'message repeated 2 times: [x]' },
    ],
    ['<34>Oct 11 22:14:15 h http://example.org/ x', { hostname: 'h', message: 'http://example.org/ x' }],
    ['<34>Oct 11 22:14:15 h C:\\Windows x', { hostname: 'h', message: 'C:\\Windows x' }],
    ['<34>Oct 11 22:14:15 h localhost:8080 refused', { hostname: 'h', message: 'localhost:8080 refused' }],
    ['<34>Oct 11 22:14:15 h 10:11:12 x', { hostname: 'h', message: '10:11:12 x' }],
    [
      '<34>Oct 11 22:14:15 h aa:bb:cc:dd:ee:ff joined',
      { hostname: 'h', message: 'aa:bb:cc:dd:ee:ff joined' },
    ],
    ['<34>Oct 11 22:14:15 h fe80:aa::1 x', { hostname: 'h', message: 'fe80:aa::1 x' }],
    ['<34>Oct 11 22:14:15 h 10.0.0.1: x', { hostname: 'h', message: '10.0.0.1: x' }],
    ['<34>Oct 11 22:14:15 h fe80::1 x', { hostname: 'h', message: 'fe80::1 x' }],
    ['<34>Oct 11 22:14:15 h 10.1.2.3 sched[0]: x', { hostname: 'h', message: '10.1.2.3 sched[0]: x' }],
  ],
  "formats that begin with the message's own mark": [
    ['<34>Oct 11 22:14:15 h {"a":1}', { hostname: 'h', message: '{"a":1}' }],
    ['<34>Oct 11 22:14:15 h <a b="c"/>', { hostname: 'h', message: '<a b="c"/>' }],
    ['<34>Oct 11 22:14:15 h CEF:0|V|P|1|2|n|3|x=y', { hostname: 'h', message: 'CEF:0|V|P|1|2|n|3|x=y' }],
    [
      '<34>Oct 11 22:14:15 h CEF: 0|Trend Micro|P|1|2|n|3|x=y',
      { hostname: 'h', message: 'CEF: 0|Trend Micro|P|1|2|n|3|x=y' },
    ],
    ['<34>Oct 11 22:14:15 h LEEF:1.0|V|P|1|2|x=y', { hostname: 'h', message: 'LEEF:1.0|V|P|1|2|x=y' }],
    [
      '<34>Oct 11 22:14:15 h named[2]: CEF:0|Infoblox|',
      { hostname: 'h', app_name: 'named', proc_id: '2', message: 'CEF:0|Infoblox|' },
    ],
    ['<34>Oct 11 22:14:15 CEF:0|V|P|1|2|n|3|x=y', { message: 'CEF:0|V|P|1|2|n|3|x=y' }],
    ['<34>Oct 11 22:14:15 h @cee: {"a":1}', { hostname: 'h', message: '@cee: {"a":1}' }],
    [
      '<34>Oct 11 22:14:15 h 1,2024/09/12 10:11:12,007,TRAFFIC',
      { hostname: 'h', message: '1,2024/09/12 10:11:12,007,TRAFFIC' },
    ],
    [
      '<34>Oct 11 22:14:15 1,2024/09/12 10:11:12,007,TRAFFIC',
      { message: '1,2024/09/12 10:11:12,007,TRAFFIC' },
    ],
    [
      '<34>Oct 11 22:14:15 h date=2013-10-07 devname=F',
      { hostname: 'h', message: 'date=2013-10-07 devname=F' },
    ],
    [
      '<34>Oct 11 22:14:15 h type=SYSCALL msg=audit(1.2:3): x',
      { hostname: 'h', message: 'type=SYSCALL msg=audit(1.2:3): x' },
    ],
    ['<34>Oct 11 22:14:15 h [A][0x8][error] x: y', { hostname: 'h', message: '[A][0x8][error] x: y' }],
    [
      '<34>Oct 11 22:14:15 f.example ASM:f5_asm=Splunk,a="b"',
      { hostname: 'f.example', app_name: 'ASM', message: 'f5_asm=Splunk,a="b"' },
    ],
  ],
  hosts: [
    ['<34>Oct 11 22:14:15 192.0.2.1 a: x', { hostname: '192.0.2.1', app_name: 'a', message: 'x' }],
    ['<34>Oct 11 22:14:15 192.0.2.1: a: x', { hostname: '192.0.2.1', app_name: 'a', message: 'x' }],
    ['<34>Oct 11 22:14:15 2001:db8::7 a: x', { hostname: '2001:db8::7', app_name: 'a', message: 'x' }],
    ['<34>Oct 11 22:14:15 2001:db8::7: a: x', { hostname: '2001:db8::7', app_name: 'a', message: 'x' }],
    ['<34>Oct 11 22:14:15 ::1 a: x', { hostname: '::1', app_name: 'a', message: 'x' }],
    ['<34>Oct 11 22:14:15 [192.0.2.1] a: x', { hostname: '192.0.2.1', app_name: 'a', message: 'x' }],
    ['<34>Oct 11 22:14:15 [2001:db8::7]: a: x', { hostname: '2001:db8::7', app_name: 'a', message: 'x' }],
    ['<34>Oct 11 22:14:15 [289]: AAA Message : x', { message: '[289]: AAA Message : x' }],
    [
      '<34>Oct 11 22:14:15 a.b-c_d.example a: x',
      { hostname: 'a.b-c_d.example', app_name: 'a', message: 'x' },
    ],
    ['<34>Oct 11 22:14:15 slot1/bigip a: x', { hostname: 'slot1/bigip', app_name: 'a', message: 'x' }],
    [
      '<34>Oct 11 22:14:15 fw-1: su[12]: x',
      { hostname: 'fw-1', app_name: 'su', proc_id: '12', message: 'x' },
    ],
    ['<34>Oct 11 22:14:15 journal: su[12]: x', { app_name: 'journal', message: 'su[12]: x' }],
    ['<34>Oct 11 22:14:15 user@host a: x', { message: 'user@host a: x' }],
    [
      '<34>Oct 11 22:14:15 US8P60,18e8294876c3,v4.0 switch: x',
      { message: 'US8P60,18e8294876c3,v4.0 switch: x' },
    ],
    ['<34>Oct 11 22:14:15 ERROR text', { message: 'ERROR text' }],
    ['<34>Oct 11 22:14:15 12345 text', { message: '12345 text' }],
    ['<34>Oct 11 22:14:15 höst a: x', { message: 'höst a: x' }],
    [`<34>Oct 11 22:14:15 ${'h'.repeat(256)} a: x`, { message: `${'h'.repeat(256)} a: x` }],
  ],
  'no host': [
    ['<34>Oct 11 22:14:15 su[42]: x', { app_name: 'su', proc_id: '42', message: 'x' }],
    ['<34>Oct 11 22:14:15 kernel: x', { app_name: 'kernel', message: 'x' }],
    ['<34>Oct 11 22:14:15 /usr/sbin/cron[1]: x', { app_name: '/usr/sbin/cron', proc_id: '1', message: 'x' }],
    [
      '<34>Oct 11 22:14:15 RT_FLOW: RT_FLOW_SESSION_CREATE: x',
      { app_name: 'RT_FLOW', message: 'RT_FLOW_SESSION_CREATE: x' },
    ],
    ['<34>Oct 11 22:14:15: --- last message ---', { message: '--- last message ---' }],
    ['<34>Oct 11 22:14:15 "quoted" x', { message: '"quoted" x' }],
  ],
  'hosts where a vendor puts them': [
    [
      '<34>Oct 11 22:14:15 Message forwarded from aix1: su[42]: x',
      { hostname: 'aix1', app_name: 'su', proc_id: '42', message: 'x' },
    ],
    [
      '<34>Oct 11 22:14:15 Message forwarded from here to there',
      { hostname: 'Message', app_name: 'forwarded', message: 'from here to there' },
    ],
    [
      '<14>Oct 11 22:14:15 fw: NetScreen device_id=fw x',
      { hostname: 'fw', app_name: 'NetScreen', message: 'device_id=fw x' },
    ],
    [
      '<14>fw-1: NetScreen device_id=fw-1 x',
      { time: RECEIVED, hostname: 'fw-1', app_name: 'NetScreen', message: 'device_id=fw-1 x' },
    ],
    ['<14>fw-1: NetScreens x', { time: RECEIVED, app_name: 'fw-1', message: 'NetScreens x' }],
    [
      '<13>Oct 11 22:14:15 [na-01:wafl.vol.full:notice]: x',
      { hostname: 'na-01', message: '[na-01:wafl.vol.full:notice]: x' },
    ],
    [
      '<13>Oct 11 22:14:15 [na-01: wafl_exempt03: wafl.vol.full:error]: x',
      { hostname: 'na-01', message: '[na-01: wafl_exempt03: wafl.vol.full:error]: x' },
    ],
    ['<13>[na-01:a.b:info]:', { time: RECEIVED, hostname: 'na-01', message: '[na-01:a.b:info]:' }],
    ['<13>Oct 11 22:14:15 [a.b.c:notice]: x', { message: '[a.b.c:notice]: x' }],
    ['<13>Oct 11 22:14:15 [a:b:c:d:info]: x', { message: '[a:b:c:d:info]: x' }],
    ['<13>Oct 11 22:14:15 [a:b:info] x', { message: '[a:b:info] x' }],
    ['<13>Oct 11 22:14:15 [a:b:info', { message: '[a:b:info' }],
    ['<13>Oct 11 22:14:15 [a:5:info]: x', { message: '[a:5:info]: x' }],
  ],
  'in the place of the host': [
    ['<34>Oct 11 22:14:15 - su: x', { app_name: 'su', message: 'x' }],
    ['<34>Oct 11 22:14:15 - text', { message: '- text' }],
    ['<34>Oct 11 22:14:15 vmkernel : x', { app_name: 'vmkernel', message: 'x' }],
    ['<34>Oct 11 22:14:15 192.0.2.1 : x', { hostname: '192.0.2.1', message: ': x' }],
    ['<34>Oct 11 22:14:15 2026-10-11 x', { message: '2026-10-11 x' }],
    ['<34>Oct 11 22:14:15 10:11:12 x', { message: '10:11:12 x' }],
    ['<34>Oct 11 22:14:15 3.14 x', { message: '3.14 x' }],
    [
      '<34>Oct 11 22:14:15 00:1b:44:11:3a:b7 a: x',
      { hostname: '00:1b:44:11:3a:b7', app_name: 'a', message: 'x' },
    ],
    [
      '<34>Oct 11 22:14:15 192.0.2.1-1 TRAPMGR[7]: x',
      { hostname: '192.0.2.1-1', app_name: 'TRAPMGR', proc_id: '7', message: 'x' },
    ],
    ['<34>Oct 12 22:14:16 Oct 11 22:14:15 h su: x', { hostname: 'h', app_name: 'su', message: 'x' }],
    ['<34>Oct 12 22:14:16 2026-10-11T22:14:15Z h su: x', { hostname: 'h', app_name: 'su', message: 'x' }],
    ['<34>Oct 11 22:14:15 Oct 12 22:14:16 some text', { message: 'Oct 12 22:14:16 some text' }],
    ['<34>Oct 11 22:14:15 Oct 12 a: x', { hostname: 'Oct', message: '12 a: x' }],
  ],
  "F5's level before the tag stays with the text": [
    [
      '<34>Oct 11 22:14:15 f5.x notice tmm1[12390]: 0149: x',
      { hostname: 'f5.x', app_name: 'tmm1', proc_id: '12390', message: 'notice tmm1[12390]: 0149: x' },
    ],
    ['<34>Oct 11 22:14:15 f5.x info text', { hostname: 'f5.x', message: 'info text' }],
  ],
  "a relay's header before the device's": [
    [
      '<165>Oct 11 22:14:16 relay Oct 11 22:14:15 ise1 CISE_System_Statistics 0001 1 4',
      { hostname: 'ise1', app_name: 'CISE_System_Statistics', message: '0001 1 4' },
    ],
    [
      '<165>Oct 11 22:14:16 relay Oct 11 22:14:15 h su[1]: x',
      { hostname: 'h', app_name: 'su', proc_id: '1', message: 'x' },
    ],
    [
      '<165>Oct 11 22:14:16 relay 2026-10-11T22:14:15Z h su: x',
      { hostname: 'h', app_name: 'su', message: 'x' },
    ],
    [
      '<165>Oct 11 22:14:16 relay Oct 11 22:14:15 asa1 : %ASA-6-1: x',
      { hostname: 'asa1', app_name: '%ASA-6-1', message: 'x' },
    ],
    [
      '<165>Oct 11 22:14:15 h Oct 12 22:14:17 Connection closed',
      { hostname: 'h', message: 'Oct 12 22:14:17 Connection closed' },
    ],
    [
      '<165>Oct 11 22:14:15 h 2026-10-12 10:11:12,503, other.example, audit',
      { hostname: 'h', message: '2026-10-12 10:11:12,503, other.example, audit' },
    ],
  ],
  'no time': [
    ['<13>su[42]: x', { time: RECEIVED, app_name: 'su', proc_id: '42', message: 'x' }],
    ['<29> printer: ready', { time: RECEIVED, app_name: 'printer', message: 'ready' }],
    [
      '<13>fenotify-1.warning: CEF:0|x',
      { time: RECEIVED, app_name: 'fenotify-1.warning', message: 'CEF:0|x' },
    ],
    ['<13>fw-1 su[42]: x', { time: RECEIVED, hostname: 'fw-1', app_name: 'su', proc_id: '42', message: 'x' }],
    ['<13>192.0.2.1 su: x', { time: RECEIVED, hostname: '192.0.2.1', app_name: 'su', message: 'x' }],
    ['<13>192.0.2.1: su: x', { time: RECEIVED, hostname: '192.0.2.1', app_name: 'su', message: 'x' }],
    ['<13>192.0.2.1: x', { time: RECEIVED, message: '192.0.2.1: x' }],
    ['<13>192.0.2.1 - - [x] "GET /"', { time: RECEIVED, message: '192.0.2.1 - - [x] "GET /"' }],
    ['<13>Starting su[42]: x', { time: RECEIVED, message: 'Starting su[42]: x' }],
    ['<13>this is not syslog', { time: RECEIVED, message: 'this is not syslog' }],
    ['<0>x', { time: RECEIVED, message: 'x' }],
    ['<14>1: ', { time: RECEIVED, message: '1: ' }],
    ['<14>2: .', { time: RECEIVED, message: '2: .' }],
    ['<13>: text', { time: RECEIVED, message: 'text' }],
    ['<13>error: text', { time: RECEIVED, message: 'error: text' }],
    ['<6> CEF:0|A10|vThunder|4|WAF|s|2|a=b', { time: RECEIVED, message: 'CEF:0|A10|vThunder|4|WAF|s|2|a=b' }],
    ['<13>{"a":1}', { time: RECEIVED, message: '{"a":1}' }],
    ['<13>[Device: k1 10.2] M_20000: x', { time: RECEIVED, message: '[Device: k1 10.2] M_20000: x' }],
    [
      '<189>date=2024-09-12 time=10:11:12 devname="FG"',
      { time: RECEIVED, message: 'date=2024-09-12 time=10:11:12 devname="FG"' },
    ],
    [
      'host.example\tMSWinEventLog\t1\tSecurity',
      { time: RECEIVED, hostname: 'host.example', app_name: 'MSWinEventLog', message: '1\tSecurity' },
    ],
    ['MMM 22 07:54:32 h a[1]: x', { time: RECEIVED, message: 'MMM 22 07:54:32 h a[1]: x' }],
    ['complete and utter gobbledegook', { time: RECEIVED, message: 'complete and utter gobbledegook' }],
    ['note: text of any kind', { time: RECEIVED, message: 'note: text of any kind' }],
    [
      '  mib2d[1484]: SNMP_TRAP',
      { time: RECEIVED, app_name: 'mib2d', proc_id: '1484', message: 'SNMP_TRAP' },
    ],
    ['   { "c2":2 }', { time: RECEIVED, message: '   { "c2":2 }' }],
    [
      'type=CWD msg=audit(1783414661.335:485): cwd="/"',
      { time: RECEIVED, message: 'type=CWD msg=audit(1783414661.335:485): cwd="/"' },
    ],
    ['one\ntwo\0three\u0007', { time: RECEIVED, message: 'one\ntwo\0three\u0007' }],
  ],
  'Cisco: mnemonics, counters, marks and colons': [
    ['<189>Oct 11 22:14:15 h %ASA-6-302013: x', { hostname: 'h', app_name: '%ASA-6-302013', message: 'x' }],
    ['<189>Oct 11 22:14:15 h : %ASA-6-302013: x', { hostname: 'h', app_name: '%ASA-6-302013', message: 'x' }],
    ['<189>Oct 11 22:14:15: %ASA-6-302013: x', { app_name: '%ASA-6-302013', message: 'x' }],
    [
      '<189>Oct 11 22:14:15 192.0.2.1: %ACE-3-251010: x',
      { hostname: '192.0.2.1', app_name: '%ACE-3-251010', message: 'x' },
    ],
    ['<189>Oct 11 22:14:15 edge: %SYS-3-1: x', { hostname: 'edge', app_name: '%SYS-3-1', message: 'x' }],
    ['<189>:Oct 11 22:14:15 UTC: %ASA-6-302013: x', { app_name: '%ASA-6-302013', message: 'x' }],
    ['<189>: 2026 Oct 11 22:14:15 UTC: %ETH-5-UP: x', { app_name: '%ETH-5-UP', message: 'x' }],
    ['<133>%ASA-5-111008: x', { time: RECEIVED, app_name: '%ASA-5-111008', message: 'x' }],
    [
      '<189>123: *Oct 11 22:14:15.123 UTC: %SYS-5-CONFIG_I: x',
      {
        time: '2026-10-11T22:14:15.123Z',
        app_name: '%SYS-5-CONFIG_I',
        structured_data: { meta: { sequenceId: '123' } },
        message: 'x',
      },
    ],
    [
      '<189>1: edge1: 000456: .Oct 11 22:14:15: %SYS-5-CONFIG_I: x',
      {
        hostname: 'edge1',
        app_name: '%SYS-5-CONFIG_I',
        structured_data: { meta: { sequenceId: '000456' } },
        message: 'x',
      },
    ],
    [
      '<189>8: cucm: Oct 11 2026 10:14:15 PM.688 UTC : %UC_RTMT-2-A: %[a=b]',
      {
        time: '2026-10-11T22:14:15.688Z',
        hostname: 'cucm',
        app_name: '%UC_RTMT-2-A',
        structured_data: { meta: { sequenceId: '8' } },
        message: '%[a=b]',
      },
    ],
    [
      '<189>9: xr1 RP/0/RSP0/CPU0:Oct 11 22:14:15 UTC: config[65737]: %MGBL-6-X : y',
      {
        hostname: 'xr1',
        app_name: 'config',
        proc_id: '65737',
        structured_data: { meta: { sequenceId: '9' } },
        message: '%MGBL-6-X : y',
      },
    ],
    [
      '<189>45: %SYS-5-X: y',
      { time: RECEIVED, app_name: '%SYS-5-X', structured_data: { meta: { sequenceId: '45' } }, message: 'y' },
    ],
    [
      '<187>wlc1: *spamApTask0: Oct 11 22:14:15.123: #CAPWAP-3-X: y',
      {
        time: '2026-10-11T22:14:15.123Z',
        hostname: 'wlc1',
        app_name: '*spamApTask0',
        message: '#CAPWAP-3-X: y',
      },
    ],
    [
      '<187>*spamApTask0: Oct 11 22:14:15: %CAPWAP-3-X: y',
      { app_name: '*spamApTask0', message: '%CAPWAP-3-X: y' },
    ],
    [
      '<189>29: 2001:db8::1: Oct 11 22:14:15: %SYS-5-X: y',
      {
        hostname: '2001:db8::1',
        app_name: '%SYS-5-X',
        structured_data: { meta: { sequenceId: '29' } },
        message: 'y',
      },
    ],
    [
      '<190>Oct 11 22:14:15 leaf %LOG_LOCAL7-6-SYSTEM_MSG [E42][x] y',
      { hostname: 'leaf', app_name: '%LOG_LOCAL7-6-SYSTEM_MSG', message: '[E42][x] y' },
    ],
    [
      '<166>fw1: %ASA-6-302013: x',
      { time: RECEIVED, hostname: 'fw1', app_name: '%ASA-6-302013', message: 'x' },
    ],
    [
      '<166>fw1 : %ASA-6-302013: x',
      { time: RECEIVED, hostname: 'fw1', app_name: '%ASA-6-302013', message: 'x' },
    ],
    [
      '<166>fw1 %ASA-6-302013: x',
      { time: RECEIVED, hostname: 'fw1', app_name: '%ASA-6-302013', message: 'x' },
    ],
    ['<166>app : %d x', { time: RECEIVED, app_name: 'app', message: '%d x' }],
    ['<166>app: %ASA x', { time: RECEIVED, app_name: 'app', message: '%ASA x' }],
    [
      '<166>RP/0/RSP0/CPU0:Oct 11 22:14:15 UTC: text',
      { time: RECEIVED, app_name: 'RP/0/RSP0/CPU0', message: 'Oct 11 22:14:15 UTC: text' },
    ],
    [
      '<166>*a: *b: Oct 11 22:14:15: %A-5-B: x',
      { time: RECEIVED, app_name: '*a', message: '*b: Oct 11 22:14:15: %A-5-B: x' },
    ],
    ['<190>Oct 11 22:14:15 leaf %d-6-', { hostname: 'leaf', app_name: '%d-6-' }],
    ['<190>Oct 11 22:14:15 leaf %d of x', { hostname: 'leaf', message: '%d of x' }],
    [
      '<189>Oct 11 22:14:16 edge1 123: *Oct 11 22:14:15 UTC: %SYS-5-X: y',
      {
        hostname: 'edge1',
        app_name: '%SYS-5-X',
        structured_data: { meta: { sequenceId: '123' } },
        message: 'y',
      },
    ],
    [
      '<189>Oct 11 22:14:16 nx : 2026 Oct 11 22:14:15 UTC: %ETH-5-UP: y',
      { hostname: 'nx', app_name: '%ETH-5-UP', message: 'y' },
    ],
    ['<189>Oct 11 22:14:15 edge1 123: text', { hostname: 'edge1', app_name: '123', message: 'text' }],
    [
      '<189>app: Oct 11 22:14:15 something',
      { time: RECEIVED, app_name: 'app', message: 'Oct 11 22:14:15 something' },
    ],
  ],
  'uptimes, in the place of the time, stay with the text': [
    [
      '<189>45: 1w2d: %SYS-5-X: y',
      {
        time: RECEIVED,
        app_name: '%SYS-5-X',
        structured_data: { meta: { sequenceId: '45' } },
        message: '1w2d: %SYS-5-X: y',
      },
    ],
    [
      '<189>45: sw1: 00:00:46: %SYS-5-X: y',
      {
        time: RECEIVED,
        hostname: 'sw1',
        app_name: '%SYS-5-X',
        structured_data: { meta: { sequenceId: '45' } },
        message: '00:00:46: %SYS-5-X: y',
      },
    ],
    ['<189>1y2w: %SYS-5-X: y', { time: RECEIVED, app_name: '%SYS-5-X', message: '1y2w: %SYS-5-X: y' }],
    [
      '<189>Oct 11 22:14:15 192.0.2.1 45: 2w3d: %SYS-5-X: y',
      {
        hostname: '192.0.2.1',
        app_name: '%SYS-5-X',
        structured_data: { meta: { sequenceId: '45' } },
        message: '2w3d: %SYS-5-X: y',
      },
    ],
    [
      '<189>Oct 11 22:14:15 sw1 00:00:46: %SYS-5-X: y',
      { hostname: 'sw1', app_name: '%SYS-5-X', message: '00:00:46: %SYS-5-X: y' },
    ],
    ['<189>45: 1w2d: text', { time: RECEIVED, message: '45: 1w2d: text' }],
    ['<189>45: 00:46: %SYS-5-X: y', { time: RECEIVED, message: '45: 00:46: %SYS-5-X: y' }],
    ['<189>45: 00-00:46: %SYS-5-X: y', { time: RECEIVED, message: '45: 00-00:46: %SYS-5-X: y' }],
  ],
  'Citrix NetScaler': [
    [
      '<12> 10/31/2026:22:14:15 GMT  0-PPE-0 : default EVENT x',
      { time: '2026-10-31T22:14:15Z', app_name: '0-PPE-0', message: 'default EVENT x' },
    ],
    [
      '<12> 10/31/2026:22:14:15 GMT ns1 0-PPE-0 : default TCP x',
      { time: '2026-10-31T22:14:15Z', hostname: 'ns1', app_name: '0-PPE-0', message: 'default TCP x' },
    ],
  ],
}

for (const [name, cases] of Object.entries(groups)) {
  t.test(name, (t) => {
    for (const [message, fields] of cases)
      t.strictSame(fieldsOf(message), { time: OCT_11, ...fields }, message)
    t.end()
  })
}

t.test('an uptime is forgotten with its message', (t) => {
  for (const header of ['<165>Oct 11 22:14:16 relay', '<165>1 2026-10-11T22:14:16Z relay']) {
    fieldsOf('<189>Oct 11 22:14:15 192.0.2.1 45: 2w3d: %SYS-5-X: y')
    t.match(fieldsOf(`${header} Oct 11 22:14:15 h su: x`), { hostname: 'h', app_name: 'su', message: 'x' })
  }
  t.end()
})
