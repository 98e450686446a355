import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pauseAfter } from './back-off.ts'

const pace = { firstMs: 100, mostMs: 1_000 }

test('pauses grow to the limit and keep to their upper half', () => {
  const shortest = [1, 2, 3, 4, 5, 5_000].map((failures) => pauseAfter(failures, pace, () => 0))
  const longest = [1, 2, 3, 4, 5, 5_000].map((failures) => pauseAfter(failures, pace, () => 1))
  assert.deepEqual(shortest, [50, 100, 200, 400, 500, 500])
  assert.deepEqual(longest, [100, 200, 400, 800, 1_000, 1_000])
})
