import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chargedFor } from './sales-replay.ts'

const line = (minor: number, quantity: number) => ({
  ...{ lineId: 'l', sku: 'A', title: 'A', quantity },
  unitPrice: { minor, currency: 'USD' },
})

test('without a discount every line is charged what it costs', () =>
  assert.deepEqual(chargedFor([line(500, 2), line(333, 1)], 1_333n), [1_000n, 333n]))

test('a discount is shared out in whole cents that add up', () =>
  assert.deepEqual(chargedFor([line(100, 1), line(100, 1), line(100, 1)], 200n), [66n, 67n, 67n]))

test('what costs nothing is charged nothing', () => {
  assert.deepEqual(chargedFor([line(0, 3)], 0n), [0n])
  assert.deepEqual(chargedFor([line(100, 1)], 0n), [0n])
})
