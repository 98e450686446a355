import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { buy, cancel, someone } from './purchase.ts'
import type { ShopUnderTest } from './shop-under-test.ts'

export function couponJourneys(shop: () => ShopUnderTest) {
  const usd = (minor: number) => ({ minor, currency: 'USD' })

  test('less is charged: on the order, in the mail, at the provider and in the sales', async () => {
    const sku = await shop().stocked(400)
    const coupon = await shop().coupon({ kind: 'percent', percent: 15, mostUses: 1 })
    const email = someone()
    const { cart, orderId, answer } = await buy(shop(), { lines: [[sku, 399]], coupon, email })
    assert.deepEqual(answer.body.total, usd(423_937)) // 498,750 less 74,812.5, rounded half up
    const order = await shop().reaches(orderId, cart)
    assert.equal(order.status, 'confirmed')
    assert.deepEqual([order.total, order.discount], [usd(423_937), { couponCode: coupon, amount: usd(74_813) }])
    const [mail] = await shop().mails(email, 'order-confirmed')
    assert.match(mail?.text ?? '', new RegExp(`Coupon ${coupon}: -748\\.13 USD\\n {2}Total: 4239\\.37 USD`))
    assert.deepEqual((await shop().paymentReaches(orderId, 'captured')).amount, usd(423_937))
    const sales = await until(
      async () => {
        const { body } = await shop().staff({ method: 'GET', path: '/api/v1/analytics/sales' })
        return body.topProducts.find((product: { sku: string }) => product.sku === sku)
      },
      { what: 'its sale' },
    )
    assert.deepEqual(sales.revenue, usd(423_937))
    await shop().usesBecome(coupon, 1)
  })

  test('a cancelled order gives its use back, and somebody else takes it', async () => {
    const sku = await shop().stocked(2)
    const coupon = await shop().coupon({ kind: 'amount', amount: usd(250), mostUses: 1 })
    const { cart, orderId } = await buy(shop(), { lines: [[sku, 1]], coupon })
    await shop().reaches(orderId, cart, 'confirmed')
    const next = await shop().cartWith([sku, 1])
    const refused = await shop().applyCoupon(next, coupon)
    assert.deepEqual([refused.status, refused.body.code], [409, 'cart.coupon-used-up'])
    await cancel(shop(), orderId, cart.token)
    const { refunded } = await shop().reaches(orderId, cart, 'refunded')
    assert.deepEqual(refunded, usd(1_000))
    await shop().usesBecome(coupon, 0)
    assert.equal((await shop().applyCoupon(next, coupon)).status, 200)
    const { body } = await shop().checkout(next)
    await shop().reaches(body.orderId, next, 'confirmed')
    await shop().usesBecome(coupon, 1)
  })

  test('everything off: confirmed without the provider; cancelled, there is nothing to pay back', async () => {
    const sku = await shop().stocked(1)
    const coupon = await shop().coupon({ kind: 'percent', percent: 100 })
    const email = someone()
    const { cart, orderId, answer } = await buy(shop(), {
      ...{ lines: [[sku, 1]], coupon, email },
      method: 'sandbox:decline',
    })
    assert.deepEqual(answer.body.total, usd(0))
    await shop().reaches(orderId, cart, 'confirmed')
    assert.deepEqual((await shop().paymentReaches(orderId, 'captured')).ledger, [])
    await shop().stockBecomes(sku, { onHand: 0, reserved: 0 })
    await cancel(shop(), orderId, cart.token)
    await shop().reaches(orderId, cart, 'refunded')
    await shop().stockBecomes(sku, { onHand: 1, reserved: 0 })
    const mails = await shop().mails(email, 'order-confirmed', 'order-cancelled', 'order-refunded')
    assert.ok(mails.some(({ text }) => text.includes('nothing to pay back')))
  })

  test('50 shoppers at once for a coupon of 10 uses: exactly 10 orders have it', async () => {
    const sku = await shop().stocked(50)
    const coupon = await shop().coupon({ kind: 'percent', percent: 10, mostUses: 10 })
    const carts = await Promise.all(Array.from({ length: 50 }, () => shop().cartWith([sku, 1])))
    for (const cart of carts) assert.equal((await shop().applyCoupon(cart, coupon)).status, 200)
    const answers = await Promise.all(carts.map((cart) => shop().checkout(cart)))
    const codes = answers.map(({ status, body }) => body.code ?? status)
    assert.deepEqual(
      [codes.filter((code) => code === 202).length, codes.filter((code) => code === 'cart.coupon-used-up').length],
      [10, 40],
    )
    await shop().usesBecome(coupon, 10)
    await Promise.all(
      carts.map((cart, index) => {
        const orderId = answers[index]?.body.orderId
        return orderId && shop().reaches(orderId, cart, 'confirmed')
      }),
    )
  })
}
