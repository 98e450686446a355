import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBusy, isUnavailable } from './errors.ts'

const failure = (code: string) => Object.assign(new Error('no'), { code })

test('a server that is away, going down, full or out of memory is waited for; a statement that is wrong is not', () => {
  for (const code of ['ECONNREFUSED', '08006', '57P01', '53100', '53200', '53300', '58030'])
    assert.ok(isUnavailable(failure(code)), code)
  for (const code of ['23505', '23514', '22P02', '40P01', '42601']) assert.ok(!isUnavailable(failure(code)), code)
  for (const words of ['Connection terminated unexpectedly', 'timeout expired'])
    assert.ok(isUnavailable(new Error(words)), words)
  assert.ok(isUnavailable(new AggregateError([failure('ECONNREFUSED')])))
})

test('somebody who is in the way is another thing than a server that is away', () => {
  for (const code of ['57014', '55P03', '40P01', '40001'])
    assert.deepEqual([isBusy(failure(code)), isUnavailable(failure(code))], [true, false], code)
  for (const code of ['23505', '53300', '57P01']) assert.ok(!isBusy(failure(code)), code)
})
