import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { ShopUnderTest } from './shop-under-test.ts'

export const someone = () => `${randomUUID()}@example.com`

/** Puts the lines into a cart and checks out; the order's id and all that is needed to follow it. */
export async function buy(
  shop: ShopUnderTest,
  {
    lines,
    coupon,
    ...options
  }: { lines: readonly (readonly [string, number])[]; coupon?: string; method?: string; email?: string },
) {
  const cart = await shop.cartWith(...lines)
  if (coupon) assert.equal((await shop.applyCoupon(cart, coupon)).status, 200)
  const answer = await shop.checkout(cart, options)
  assert.equal(answer.status, 202, answer.text)
  return { cart, orderId: answer.body.orderId as string, answer }
}

export const cancel = (shop: ShopUnderTest, orderId: string, token: string) =>
  shop.call({ method: 'POST', path: `/api/v1/orders/${orderId}/cancel`, headers: { 'cart-token': token } })
