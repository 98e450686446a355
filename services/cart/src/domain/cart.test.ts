import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  addItem,
  type Cart,
  type CartLine,
  changeQuantity,
  checkOut,
  emptyCart,
  MOST_LINES,
  MOST_PIECES,
  totalOfCart,
} from './cart.ts'

const line = (sku: string, quantity = 1, minor = 500): CartLine => ({
  id: `line-${sku}`,
  sku,
  title: `Title of ${sku}`,
  quantity,
  unitPrice: { minor, currency: 'USD' },
})

const given = (...lines: CartLine[]): Cart =>
  lines.reduce<Cart>(
    (cart, item) => {
      const added = addItem(cart, item)
      assert.ok(added.ok)
      return added.value
    },
    emptyCart('cart-1', 'USD'),
  )

const refused = (result: { ok: boolean; error?: { code: string } }) => (result.ok ? undefined : result.error?.code)

describe('a cart', () => {
  test('adds, changes and removes, one version a change', () => {
    const cart = given(line('MUG', 2), line('APRON', 1, 3_800))
    assert.equal(cart.version, 3)
    assert.deepEqual(totalOfCart(cart), { minor: 4_800, currency: 'USD' })
    const changed = changeQuantity(cart, 'line-MUG', 1)
    assert.deepEqual(changed.ok && totalOfCart(changed.value).minor, 4_300)
    const removed = changeQuantity(cart, 'line-MUG', 0)
    assert.deepEqual(removed.ok && removed.value.lines.map(({ sku }) => sku), ['APRON'])
  })

  test('keeps one line a SKU, with the price of the last time', () => {
    const again = addItem(given(line('MUG', 2, 500)), { ...line('MUG', 3, 450), id: 'another' })
    assert.deepEqual(again.ok && again.value.lines, [line('MUG', 5, 450)])
  })

  test('has its limits', () => {
    assert.equal(refused(addItem(given(line('MUG', MOST_PIECES)), line('MUG'))), 'cart.quantity-too-large')
    const full = given(...Array.from({ length: MOST_LINES }, (_, index) => line(`SKU-${index}`)))
    assert.equal(refused(addItem(full, line('MUG'))), 'cart.too-many-lines')
    assert.ok(addItem(full, line('SKU-7')).ok)
    assert.equal(refused(addItem(given(), line('GOLD', 2, Number.MAX_SAFE_INTEGER))), 'cart.total-too-large')
    const euro = { ...line('MUG'), unitPrice: { minor: 1, currency: 'EUR' } }
    assert.equal(refused(addItem(given(), euro)), 'cart.currency-mismatch')
    assert.equal(refused(changeQuantity(given(line('MUG')), 'line-APRON', 1)), 'cart.unknown-line')
  })

  test('is frozen by its checkout', () => {
    assert.equal(refused(checkOut(given(), 'order-1')), 'cart.empty')
    const frozen = checkOut(given(line('MUG')), 'order-1')
    assert.ok(frozen.ok)
    assert.deepEqual([frozen.value.status, frozen.value.orderId, frozen.value.version], ['checked-out', 'order-1', 3])
    assert.equal(refused(addItem(frozen.value, line('APRON'))), 'cart.checked-out')
    assert.equal(refused(changeQuantity(frozen.value, 'line-MUG', 0)), 'cart.checked-out')
    assert.equal(refused(checkOut(frozen.value, 'order-2')), 'cart.checked-out')
  })

  test('whatever is done to it: the total is the sum of its lines, SKUs are unique, quantities in bounds', () => {
    const sku = fc.constantFrom('A', 'B', 'C', 'D')
    const quantity = fc.integer({ min: 0, max: MOST_PIECES })
    const step = fc.record({ sku, quantity, minor: fc.integer({ min: 0, max: 1_000_000 }), add: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let cart: Cart = emptyCart('cart-1', 'USD')
        for (const { add, minor, ...item } of steps) {
          const changed: ReturnType<typeof addItem> = add
            ? addItem(cart, line(item.sku, Math.max(1, item.quantity), minor))
            : changeQuantity(cart, `line-${item.sku}`, item.quantity)
          if (!changed.ok) continue
          assert.equal(changed.value.version, cart.version + 1)
          cart = changed.value
        }
        const expected = cart.lines.reduce((sum, { unitPrice, quantity }) => sum + unitPrice.minor * quantity, 0)
        assert.equal(totalOfCart(cart).minor, expected)
        assert.equal(new Set(cart.lines.map(({ sku }) => sku)).size, cart.lines.length)
        assert.ok(cart.lines.every(({ quantity }) => quantity >= 1 && quantity <= MOST_PIECES))
      }),
    )
  })
})
