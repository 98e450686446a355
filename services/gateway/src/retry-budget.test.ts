import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRetryBudget } from './retry-budget.ts'

test('never more repetitions than the reserve and a tenth of all requests', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (isRequest) => {
      const budget = createRetryBudget(0.1, 10)
      let sent = 0
      let repeated = 0
      for (const each of isRequest)
        if (each) {
          budget.sent()
          sent += 1
        } else if (budget.take()) repeated += 1
      assert.ok(repeated <= 10 + sent * 0.1 + 1e-6)
    }),
  )
})

test('a reserve is there from the beginning, and grows no further', () => {
  const budget = createRetryBudget(0.1, 10)
  for (let count = 0; count < 1_000; count += 1) budget.sent()
  const taken = Array.from({ length: 20 }, () => budget.take()).filter(Boolean)
  assert.equal(taken.length, 10)
})
