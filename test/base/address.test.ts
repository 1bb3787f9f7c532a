import t from 'tap'
import { formatAddress } from '../../src/base/address.ts'

t.test('addresses as users read them', async (t) => {
  t.equal(formatAddress('192.0.2.7', 514), '192.0.2.7:514')
  t.equal(formatAddress('2001:db8::1', 514), '[2001:db8::1]:514')
  t.equal(formatAddress('::ffff:192.0.2.7', 514), '192.0.2.7:514')
  t.equal(formatAddress('::ffff:1', 0), '[::ffff:1]:0')
  t.equal(formatAddress('localhost', 80), 'localhost:80')
  t.equal(formatAddress(undefined, undefined), '?:0')
})
