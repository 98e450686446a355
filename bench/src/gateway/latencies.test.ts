import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLatencies, quantilesMs } from './latencies.ts'

test('a quantile is at most one part in 64 above a value that was measured, and never below', () => {
  const values = fc.array(fc.nat({ max: 2 ** 30 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(values, values, fc.double({ min: 0, max: 1, noNaN: true }), (some, others, q) => {
      const parts = [some, others].map((part) => {
        const counted = createLatencies()
        for (const value of part) counted.add(value)
        return counted.toJSON()
      })
      const sorted = [...some, ...others].toSorted((a, b) => a - b)
      const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0
      const [found = 0] = quantilesMs(parts, [q])
      assert.ok(found * 1_000 >= exact && found * 1_000 <= exact * (1 + 1 / 64) + 1)
    }),
  )
})

test('nothing has quantiles of 0', () => {
  assert.deepEqual(quantilesMs([], [0.5, 0.99]), [0, 0])
})
