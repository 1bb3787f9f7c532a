import t from 'tap'
import { errorTable, SpillwayError, spwError } from '../../src/base/errors.ts'

t.test('an error has its code, its message filled in, and what the table says of it', async (t) => {
  const cause = new Error('ENOENT')
  const error = spwError(
    'SPW_ERR_CONFIG_UNREADABLE',
    { file: 'a.yaml', reason: 'ENOENT', extra: [1] },
    { cause },
  )
  t.ok(error instanceof SpillwayError)
  t.ok(error instanceof Error)
  t.equal(error.name, 'SpillwayError')
  t.equal(error.message, 'cannot read the configuration file a.yaml: ENOENT')
  t.equal(error.code, 'SPW_ERR_CONFIG_UNREADABLE')
  t.equal(error.exitCode, 2)
  t.equal(error.retryable, false)
  t.equal(error.cause, cause)
  t.same(error.details, { file: 'a.yaml', reason: 'ENOENT', extra: [1] })
})

t.test('values are filled in once and literally', async (t) => {
  const error = spwError('SPW_ERR_CONFIG_UNREADABLE', { file: '{reason} $& $1', reason: '{file}' })
  t.equal(error.message, 'cannot read the configuration file {reason} $& $1: {file}')
})

t.test('a placeholder without its value stays visible', async (t) => {
  t.match(new SpillwayError('SPW_ERR_CONFIG_UNREADABLE', { file: 'x' }).message, /x: \{reason\}$/)
})

t.test('codes have one form, and messages are lines without a full stop', async (t) => {
  for (const [code, { message }] of Object.entries(errorTable)) {
    t.match(code, /^SPW_ERR_[A-Z]+(?:_[A-Z]+)+$/, code)
    t.notMatch(message, /\.$/, code)
  }
})
