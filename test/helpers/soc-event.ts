/** A record of the schema `soc`, without a line feed; `n` tells it from the others. */
export function socEvent(n: number, severity = 1): string {
  return `{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","event_type":"x","severity":${severity},"n":${n}}`
}
