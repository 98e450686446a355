import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeSeen } from './judge.ts'

test('what a customer saw may go on, but not back, and never away', () => {
  const seenThenNow = [
    ['confirmed', 'confirmed', true],
    ['confirmed', 'refunded', true],
    ['confirmed', 'placed', false],
    ['cancelled', 'refunded', true],
    ['cancelled', 'confirmed', false],
    ['refunded', 'cancelled', false],
    ['accepted', 'confirmed', true],
    ['accepted', undefined, false],
    ['confirmed', undefined, false],
  ] as const
  for (const [status, now, isFine] of seenThenNow) {
    const found = judgeSeen([{ orderId: 'a', status }], new Map(now ? [['a', now]] : []))
    assert.equal(found.length, isFine ? 0 : 1, `${status}, then ${now}`)
  }
})
