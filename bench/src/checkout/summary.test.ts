import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quantile, summarise } from './summary.ts'

test('quantiles are values that were measured', () => {
  assert.equal(quantile([], 0.5), 0)
  assert.equal(quantile([5], 0.95), 5)
  assert.equal(quantile([3, 1, 2], 0.5), 2)
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.deepEqual([quantile(hundred, 0.5), quantile(hundred, 0.95)], [50, 95])
})

test('a summary takes the median round, and counts what went wrong', () => {
  const purchases = (count: number) => Array.from({ length: count }, () => ({ tookMs: 100, confirmedMs: 40 }))
  const round = (count: number, errors: Record<string, number> = {}) => ({
    purchases: purchases(count),
    calls: count * 6,
    errors,
    seconds: 2,
    booksAgree: true,
  })
  const summary = summarise('split', [round(10), round(30, { 'add: 503': 2 }), round(20, { 'add: 503': 1 })])
  assert.deepEqual(summary, {
    shape: 'split',
    perSecond: 10,
    rounds: [5, 15, 10],
    purchaseMs: { p50: 100, p95: 100 },
    confirmedMs: { p50: 40, p95: 40 },
    callsEach: 6,
    errors: { 'add: 503': 3 },
    booksAgree: true,
  })
})
