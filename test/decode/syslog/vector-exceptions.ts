/** Messages that the decoder reads differently from what their source expects, and why. */
const LONG_NAMES = 'names longer than RFC 5424 allows are taken: those of containers are'
const NO_TAG = 'what has no letter, or quotes and commas, is no program: it stays in the message'
const REST = 'what is no header is kept, be it only the version that one would begin with'
const DATE_TWICE = "the test's template has the date twice: no device sends that"
const NOT_IN_TEXT = 'SC4S reads this host out of the text of the message, by rules for the vendor'
const IRULE = 'a word with commas is no host: in other formats it is a measurement'
const APP = 'by its place in the header this is the app name'
const NETSCALER = 'rsyslog does not know this format; its date, host and engine are what they look like'

export const exceptions: Readonly<Record<string, string>> = {
  'go-syslog-rfc5424-055': LONG_NAMES,
  'go-syslog-rfc5424-057': LONG_NAMES,
  'go-syslog-rfc5424-059': LONG_NAMES,
  'syslog-loose handles_incorrect_sd_element':
    'broken structured data begins the message; there it is dropped',
  'telegraf octet_counting_best_effort_tcp_1st_underflow_nok': REST,
  'telegraf rfc5424_best_effort_udp_min_incomplete': REST,
  'parsertest-parse1.sh 10': NO_TAG,
  'parsertest-parse1.sh 11': NO_TAG,
  'parsertest-parse1.sh 12': NO_TAG,
  'parsertest-parse1.sh 20': 'a year behind the time is no host, with two blanks no more than with one',
  'parsertest-parse2.sh 0': NO_TAG,
  'parsertest-parse_8bit_escape.sh 0': 'this output is that of an option to escape what is not ASCII',
  'pmsnare-cccstyle.sh 0': NETSCALER,
  'pmsnare-cccstyle.sh 1': "rsyslog takes a Cisco device's counter for the program",
  'pmsnare-cccstyle.sh 2': 'a quote before the priority, which the shell took away in the test itself',
  'pmsnare-ccoff.sh 0': NETSCALER,
  'pmsnare-modoverride.sh 0': NETSCALER,
  'pmsnare-modoverride.sh 3':
    'tabs written as backslash and octal digits are read back only by an option of rsyslog',
  'sc4s test_avi_event_rfc': DATE_TWICE,
  'sc4s test_avi_event_json': DATE_TWICE,
  'sc4s test_cisco_cimc': NOT_IN_TEXT,
  'sc4s test_cisco_ucm_nohost_auditlog': NOT_IN_TEXT,
  'sc4s test_cisco_ucm_nohost_rtmt': NOT_IN_TEXT,
  'sc4s test_cisco_ucm_host_auditlog': NOT_IN_TEXT,
  'sc4s test_cisco_ucm_nohost_alert': NOT_IN_TEXT,
  'sc4s test_cisco_viptela': NOT_IN_TEXT,
  'sc4s test_citrix_netscaler_sdx': NOT_IN_TEXT,
  'sc4s test_dell_ome': NOT_IN_TEXT,
  'sc4s test_sonicwall_firewall': NOT_IN_TEXT,
  'sc4s test_fireeye_cms': NOT_IN_TEXT,
  'sc4s test_fireeye_hx': NOT_IN_TEXT,
  'sc4s test_fireeye_hx_json_1': NOT_IN_TEXT,
  'sc4s test_fireeye_hx_json_2': NOT_IN_TEXT,
  'sc4s test_fireeye_hx_json_with_hdr': NOT_IN_TEXT,
  'sc4s test_splunk_diode_event': NOT_IN_TEXT,
  'sc4s test_splunk_diode_winevent': NOT_IN_TEXT,
  'sc4s test_ubiquiti_unifi_ap_u7pg2_alt': NOT_IN_TEXT,
  'sc4s test_f5_bigip_irule': IRULE,
  'sc4s test_f5_bigip_irule_default': IRULE,
  'sc4s test_f5_bigip_irule_http': IRULE,
  'sc4s test_f5_bigip_irule_dns_request': IRULE,
  'sc4s test_f5_bigip_irule_dns_response': IRULE,
  'sc4s test_f5_bigip_irule_lb_failed': IRULE,
  'sc4s test_ricoh': APP,
}
