import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  addItem,
  applyCoupon,
  type Cart,
  checkOut,
  discountOfCart,
  emptyCart,
  removeCoupon,
  totalOfCart,
} from './cart.ts'
import {
  type Coupon,
  type CouponLimits,
  type CouponTerms,
  changeLimits,
  couponCode,
  discountFor,
  newCoupon,
  usableAt,
} from './coupon.ts'

const usd = (minor: number) => ({ minor, currency: 'USD' })
const at = (day: number) => new Date(Date.UTC(2026, 10, day))
const percent = (share: number): CouponTerms => ({ code: 'SALE', kind: 'percent', percent: share })
const amount = (minor: number, currency = 'USD'): CouponTerms => ({
  code: 'GIFT',
  kind: 'amount',
  amount: { minor, currency },
})
const unlimited: CouponLimits = { mostUses: null, mostUsesPerCustomer: null, startsAt: null, endsAt: null }
const coupon = (limits: Partial<Coupon> = {}): Coupon => ({
  ...unlimited,
  ...{ terms: percent(10), uses: 0, createdAt: at(1), version: 1 },
  ...limits,
})
const codeOf = (result: { ok: boolean; error?: { code: string } }) => (result.ok ? undefined : result.error?.code)

describe('a discount', () => {
  test('a percentage is taken of the whole cart and rounded half up', () => {
    const cases: [share: number, subtotal: number, discount: number][] = [
      [10, 2_500, 250],
      [15, 1_010, 152], // 151.5
      [15, 1_009, 151], // 151.35
      [50, 1, 1], // 0.5
      [33, 1, 0], // 0.33
      [1, 49, 0],
      [1, 50, 1],
      [100, 999, 999],
      [10, 0, 0],
    ]
    for (const [share, subtotal, discount] of cases)
      assert.deepEqual(discountFor(percent(share), usd(subtotal)), usd(discount), `${share} % of ${subtotal}`)
  })

  test('an amount takes off at most everything, and only in its currency', () => {
    assert.deepEqual(discountFor(amount(500), usd(2_500)), usd(500))
    assert.deepEqual(discountFor(amount(5_000), usd(2_500)), usd(2_500))
    assert.deepEqual(discountFor(amount(500, 'EUR'), usd(2_500)), usd(0))
  })

  const subtotal = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  const anyTerms = fc.oneof(
    fc.integer({ min: 1, max: 100 }).map(percent),
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map((minor) => amount(minor)),
  )

  test('whatever the coupon and the cart: between nothing and everything, in whole minor units', () => {
    fc.assert(
      fc.property(anyTerms, subtotal, (terms, minor) => {
        const discount = discountFor(terms, usd(minor))
        assert.ok(Number.isSafeInteger(discount.minor))
        assert.ok(discount.minor >= 0 && discount.minor <= minor)
        assert.equal(discount.currency, 'USD')
      }),
    )
  })

  test('whatever the percentage: never more than half a minor unit off, and a dearer cart never gets less', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), subtotal, (share, minor) => {
        const taken = BigInt(discountFor(percent(share), usd(minor)).minor)
        const error = 200n * taken - 2n * BigInt(minor) * BigInt(share) // in 1/200 of a minor unit
        assert.ok(error > -100n && error <= 100n, `${error}`)
        if (minor > 0) assert.ok(discountFor(percent(share), usd(minor - 1)).minor <= Number(taken))
      }),
    )
  })
})

describe('a coupon in a cart', () => {
  const cart = (minor: number): Cart => {
    const added = addItem(emptyCart('cart-1', 'USD'), {
      ...{ id: 'line-1', sku: 'MUG', title: 'Mug', quantity: 1 },
      unitPrice: usd(minor),
    })
    assert.ok(added.ok)
    return added.value
  }

  test('lowers the total, is one change, and goes again', () => {
    const applied = applyCoupon(cart(1_010), percent(15))
    assert.ok(applied.ok)
    assert.deepEqual([applied.value.version, discountOfCart(applied.value).minor], [3, 152])
    assert.deepEqual(totalOfCart(applied.value), usd(858))
    const other = applyCoupon(applied.value, amount(2_000))
    assert.ok(other.ok)
    assert.deepEqual(totalOfCart(other.value), usd(0))
    const removed = removeCoupon(other.value)
    assert.ok(removed.ok)
    assert.deepEqual([totalOfCart(removed.value), removed.value.version], [usd(1_010), 5])
    assert.equal(codeOf(removeCoupon(removed.value)), 'cart.no-coupon')
  })

  test('is refused in another currency and after the checkout', () => {
    assert.equal(codeOf(applyCoupon(cart(100), amount(1, 'EUR'))), 'cart.coupon-currency-mismatch')
    const frozen = checkOut(cart(100), 'order-1')
    assert.ok(frozen.ok)
    assert.equal(codeOf(applyCoupon(frozen.value, percent(10))), 'cart.checked-out')
    assert.equal(codeOf(removeCoupon(frozen.value)), 'cart.checked-out')
  })
})

describe('the limits of a coupon', () => {
  test('good from its start and before its end, until it is used up', () => {
    const limited = coupon({ startsAt: at(2), endsAt: at(4), mostUses: 3, uses: 2 })
    assert.equal(codeOf(usableAt(limited, at(1))), 'cart.coupon-not-valid')
    assert.ok(usableAt(limited, at(2)).ok)
    assert.ok(usableAt(limited, at(3)).ok)
    assert.equal(codeOf(usableAt(limited, at(4))), 'cart.coupon-expired')
    assert.equal(codeOf(usableAt({ ...limited, uses: 3 }, at(3))), 'cart.coupon-used-up')
    assert.ok(usableAt(coupon({ uses: 1_000_000 }), at(3)).ok)
  })

  test('one that is not good yet answers like one that does not exist', () =>
    assert.deepEqual(usableAt(coupon({ startsAt: at(2), mostUses: 1, uses: 1 }), at(1)), usableAt(undefined, at(1))))

  test('cannot end before they begin, nor be set below what was used', () => {
    assert.equal(
      codeOf(newCoupon(percent(1), { ...unlimited, startsAt: at(2), endsAt: at(2) }, at(1))),
      'coupon.bad-period',
    )
    const used = coupon({ uses: 5, mostUses: 9, startsAt: at(2) })
    assert.equal(codeOf(changeLimits(used, { endsAt: at(1) }, 2)), 'coupon.bad-period')
    assert.equal(codeOf(changeLimits(used, { mostUses: 4 }, 2)), 'coupon.limit-below-uses')
    assert.equal(codeOf(changeLimits(used, { mostUsesPerCustomer: 1 }, 2)), 'coupon.limit-below-uses')
    const changed = changeLimits(used, { mostUses: 5, mostUsesPerCustomer: 2, startsAt: null }, 2)
    assert.deepEqual(changed.ok && changed.value, {
      ...used,
      ...{ mostUses: 5, mostUsesPerCustomer: 2, startsAt: null, version: 2 },
    })
  })
})

test('a code is taken however it is typed, and nothing else is a code', () => {
  assert.equal(couponCode('spring-26'), 'SPRING-26')
  for (const text of [
    '',
    'AB',
    '-ABC',
    'A B C',
    'ABC\n',
    '\u0131\u0131\u0131',
    'stra\u00dfe',
    'X'.repeat(41),
    'A\u0000BC',
  ])
    assert.equal(couponCode(text), undefined, JSON.stringify(text))
})
