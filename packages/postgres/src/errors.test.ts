import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnavailable } from './errors.ts'

const failure = (code: string) => Object.assign(new Error('no'), { code })

test('a server that is away, going down, full or out of memory is waited for; a statement that is wrong is not', () => {
  for (const code of ['ECONNREFUSED', '08006', '57P01', '53100', '53200', '53300', '58030'])
    assert.ok(isUnavailable(failure(code)), code)
  for (const code of ['23505', '23514', '22P02', '40P01', '42601']) assert.ok(!isUnavailable(failure(code)), code)
  assert.ok(isUnavailable(new Error('Connection terminated unexpectedly')))
  assert.ok(isUnavailable(new AggregateError([failure('ECONNREFUSED')])))
})
