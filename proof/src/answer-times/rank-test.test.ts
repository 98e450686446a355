import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../random.ts'
import { rankTest } from './rank-test.ts'

const near = (actual: number, expected: number, by: number) =>
  assert.ok(Math.abs(actual - expected) <= by, `${actual} is not ${expected}`)

test('ranks of samples that are all greater, all smaller, and the same', () => {
  assert.equal(rankTest([4, 5, 6], [1, 2, 3]).auc, 1)
  assert.equal(rankTest([1, 2, 3], [4, 5, 6]).auc, 0)
  assert.equal(rankTest([1, 2, 3], [1, 2, 3]).auc, 0.5)
  near(rankTest([1, 4, 5], [2, 3, 6]).auc, 4 / 9, 1e-12)
})

test('how likely chance alone is: one deviation, nearly two, and none', () => {
  near(rankTest([1], [2]).p, 0.3173, 1e-4)
  near(rankTest([1, 2, 3], [4, 5, 6]).p, 0.0495, 1e-4)
  near(rankTest([4, 5, 6], [1, 2, 3]).p, 0.0495, 1e-4)
  near(rankTest([1, 2, 3], [1, 2, 3]).p, 1, 1e-6)
})

test('what is drawn from one law is not told apart, what differs by little is, once there is enough of it', () => {
  const random = randomFrom(7)
  const draw = (shift: number) => Array.from({ length: 2_000 }, () => random.next() + random.next() + shift)
  assert.ok(rankTest(draw(0), draw(0)).p > 0.01)
  assert.ok(rankTest(draw(0.1), draw(0)).p < 0.001)
})
