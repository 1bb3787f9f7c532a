import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Files of a new key and its self-signed certificate for 127.0.0.1; `lacking` says why there are none. */
export function makeCertificate(directory: string): { key: string; cert: string; lacking: string | false } {
  const key = join(directory, 'key.pem')
  const cert = join(directory, 'cert.pem')
  const subject = ['-subj', '/CN=spillway.test', '-addext', 'subjectAltName=IP:127.0.0.1']
  const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  try {
    execFileSync('openssl', ['req', ...form, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' })
    return { key, cert, lacking: false }
  } catch {
    return { key, cert, lacking: 'no openssl to make a certificate with' }
  }
}
