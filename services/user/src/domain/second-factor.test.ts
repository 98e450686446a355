import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitAfterFailures } from './second-factor.ts'

test('four wrong codes are free, then the wait doubles up to an hour', () => {
  const minutes = Array.from({ length: 14 }, (_, failures) => waitAfterFailures(failures) / 60_000)
  assert.deepEqual(minutes, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60])
  assert.equal(waitAfterFailures(5_000), 3_600_000)
})
