import assert from 'node:assert/strict'
import { test } from 'node:test'
import { periodOf } from './period.ts'

const today = '2026-11-21'
const asked = (question: { from?: string; to?: string }) => {
  const period = periodOf(question, today)
  return period.ok ? period.value : period.error.code
}

test('without a question the last thirty days are meant', () => {
  assert.deepEqual(asked({}), { from: '2026-10-23', to: '2026-11-21' })
})

test('one day and a leap year are fine', () => {
  assert.deepEqual(asked({ from: today, to: today }), { from: today, to: today })
  assert.deepEqual(asked({ from: '2028-01-01', to: '2028-12-31' }), { from: '2028-01-01', to: '2028-12-31' })
})

for (const question of [
  { from: '2026-02-30' },
  { to: 'yesterday' },
  { from: '2026-11-22', to: today },
  { from: '2025-01-01', to: '2026-11-21' },
  { from: '2026-1-1' },
])
  test(`${JSON.stringify(question)} is refused`, () => assert.equal(asked(question), 'analytics.bad-period'))
