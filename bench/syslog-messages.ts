/** Headers as security appliances send them, for texts of any kind: host and process vary, so does the time. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const HOSTS = 100
const PROCESSES = 65_536

/** RFC 5424, without structured data. */
export function rfc5424(index: number, at: Date, text: string): string {
  return `<134>1 ${at.toISOString()} ws-fra-${index % HOSTS}.example.org edr ${index % PROCESSES} ID47 - ${text}`
}

/** RFC 5424 with two elements of structured data. */
export function rfc5424WithData(index: number, at: Date, text: string): string {
  const data = `[origin ip="192.0.2.7" software="edr"][meta sequenceId="${index}"]`
  return `<134>1 ${at.toISOString()} ws-fra-${index % HOSTS}.example.org edr ${index % PROCESSES} ID47 ${data} ${text}`
}

export function rfc3164(index: number, at: Date, text: string): string {
  return `<134>${timeOf(at)} ws-fra-${index % HOSTS} edr[${index % PROCESSES}]: ${text}`
}

/** A line of sshd, by RFC 3164. */
export function sshd(index: number, at: Date): string {
  const text = `Failed password for root from 10.0.0.${index % 250} port ${1024 + (index % 60_000)} ssh2`
  return `<38>${timeOf(at)} ws-fra-${index % HOSTS} sshd[${index % PROCESSES}]: ${text}`
}

/** A firewall's. */
export function ciscoAsa(index: number, at: Date): string {
  const outside = `outside:192.0.2.${index % 250}/443 (192.0.2.7/443)`
  const inside = `inside:10.1.2.3/${1024 + (index % 60_000)} (203.0.113.9/5432)`
  const text = `Built outbound TCP connection ${index} for ${outside} to ${inside}`
  return `<166>${timeOf(at)} fw-${index % 10} : %ASA-6-302013: ${text}`
}

/** A router's, with its counter. */
export function ciscoIos(index: number, at: Date): string {
  const text = `list 101 denied tcp 192.0.2.${index % 250}(${index % 60_000}) -> 10.0.0.1(22), 1 packet`
  return `<189>${index}: *${timeOf(at)}.123 UTC: %SEC-6-IPACCESSLOGP: ${text}`
}

/** As RFC 3164 has it. */
function timeOf(at: Date): string {
  const day = String(at.getUTCDate()).padStart(2)
  return `${MONTHS[at.getUTCMonth()]} ${day} ${at.toISOString().slice(11, 19)}`
}
