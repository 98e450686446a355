import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readyAfter } from './waves.ts'

const hurt = (healedAt: number, ...ready: readonly (readonly [string, number | undefined])[]) => ({
  healedAt,
  readyAt: new Map(ready),
})

test('a process counts from when nothing hurt it any more, and the slowest counts', () => {
  const cut = hurt(1_000, ['user-1', 66_000], ['user-2', 1_700])
  const frozen = hurt(65_000, ['user-1', 66_000])
  assert.equal(readyAfter(cut, [cut, frozen]), 1_000)
  assert.equal(readyAfter(cut, [cut]), 65_000)
  assert.equal(readyAfter(frozen, [cut, frozen]), 1_000)
})

test('one that never comes back is never recovered from; where nobody was hurt there is nothing to wait for', () => {
  const lost = hurt(0, ['order-1', undefined], ['order-2', 5])
  assert.equal(readyAfter(lost, [lost]), undefined)
  assert.equal(readyAfter(hurt(0), []), 0)
})
