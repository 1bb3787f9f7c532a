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
  const day = String(at.getUTCDate()).padStart(2)
  const time = `${MONTHS[at.getUTCMonth()]} ${day} ${at.toISOString().slice(11, 19)}`
  return `<134>${time} ws-fra-${index % HOSTS} edr[${index % PROCESSES}]: ${text}`
}
