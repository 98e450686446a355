import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chargedByLine } from './charged-lines.ts'

const usd = (minor: number) => ({ minor, currency: 'USD' })
const line = ({ minor, quantity }: { minor: number; quantity: number }) => ({
  ...{ lineId: 'line', sku: 'SKU', title: 'Title', quantity },
  unitPrice: usd(minor),
})

test('without a discount each line is what it costs', () =>
  assert.deepEqual(
    chargedByLine([line({ minor: 500, quantity: 2 }), line({ minor: 333, quantity: 1 })], usd(1_333)),
    [1_000, 333],
  ))

test('a discount is shared out by what the lines cost', () => {
  const lines = [
    line({ minor: 100, quantity: 1 }),
    line({ minor: 100, quantity: 1 }),
    line({ minor: 100, quantity: 1 }),
  ]
  assert.deepEqual(chargedByLine(lines, usd(200)), [66, 67, 67])
  assert.deepEqual(chargedByLine(lines, usd(0)), [0, 0, 0])
  assert.deepEqual(chargedByLine([line({ minor: 0, quantity: 3 })], usd(0)), [0])
})

test('whatever the lines and the discount: the parts add up, and no line is charged more than it costs', () => {
  const anyLine = fc.record({
    minor: fc.integer({ min: 0, max: 90_000_000_000 }),
    quantity: fc.integer({ min: 1, max: 1_000 }),
  })
  fc.assert(
    fc.property(fc.array(anyLine, { minLength: 1, maxLength: 100 }), fc.integer({ min: 0, max: 100 }), (given, off) => {
      const lines = given.map(line)
      const gross = given.map(({ minor, quantity }) => minor * quantity)
      const sum = gross.reduce((all, minor) => all + minor, 0)
      const total = sum - Math.floor((sum / 100) * off)
      const charged = chargedByLine(lines, usd(total))
      assert.equal(
        charged.reduce((all, minor) => all + minor, 0),
        total,
      )
      assert.ok(charged.every((minor, index) => minor >= 0 && minor <= (gross[index] ?? 0)))
    }),
  )
})
