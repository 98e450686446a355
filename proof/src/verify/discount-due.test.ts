import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discountDue } from './discount-due.ts'

const none = { percent: null, amount_minor: null, currency: null }
const percent = (share: number) => ({ ...none, code: 'SALE', kind: 'percent', percent: share })
const amount = (minor: string) => ({ ...none, code: 'GIFT', kind: 'amount', amount_minor: minor, currency: 'USD' })

test('a percentage to the nearest whole minor unit, a half upwards', () => {
  for (const [share, sum, due] of [
    [10, 2_500n, 250n],
    [15, 1_010n, 152n], // 151.5
    [15, 1_009n, 151n], // 151.35
    [33, 1n, 0n],
    [100, 9_007_199_254_740_991n, 9_007_199_254_740_991n],
  ] as const)
    assert.equal(discountDue(percent(share), sum, 'EUR'), due)
})

test('an amount in its currency, never more than the sum', () => {
  assert.equal(discountDue(amount('500'), 2_500n, 'USD'), 500n)
  assert.equal(discountDue(amount('5000'), 2_500n, 'USD'), 2_500n)
  assert.equal(discountDue(amount('500'), 2_500n, 'EUR'), undefined)
})

test('a coupon that does not exist takes nothing off', () => assert.equal(discountDue(undefined, 1n, 'USD'), undefined))
