/** The configuration of a run without `-c`; it goes through the same loader as a file. */

export const DEFAULT_CONFIG_NAME = '(embedded default)'

export const defaultConfigText = `\
data_dir: ./data
admin: { listen: 127.0.0.1:9600 }
sources:
  push: { type: http, listen: 127.0.0.1:8080 }
  lines: { type: tcp, listen: 127.0.0.1:8081 }
  net: { type: syslog, listen: 127.0.0.1:5514 }
  net_udp: { type: syslog, listen: 127.0.0.1:5514, transport: udp }
sinks:
  archive: { type: file, path: ./data/archive }
`
