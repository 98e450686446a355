import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { openShopkeeper, type Shopkeeper } from '@micromart/proof/shopkeeper'
import { type Answer, createShopper, type GuestCart, type Shopper } from '@micromart/proof/shopper'
import { until } from '@micromart/testkit/until'
import type { Shape, ShopInPlace } from '../shapes.ts'

/** Long enough for a purchase on a busy machine. */
const PATIENCE_MS = 60_000
const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])

export interface Mail {
  readonly subject: string
  readonly template: string
  readonly text: string
}

export interface ShopUnderTest extends Shopper {
  readonly shop: ShopInPlace
  readonly stocked: Shopkeeper['stocked']
  readonly coupon: Shopkeeper['coupon']
  /** Waits until orders that were not cancelled have used the coupon so often. */
  usesBecome(code: string, uses: number): Promise<unknown>
  stockOf(sku: string): Promise<{ onHand: number; reserved: number; available: number }>
  stockBecomes(sku: string, level: { onHand: number; reserved: number }): Promise<unknown>
  readonly staff: Shopkeeper['call']
  cartWith(...lines: readonly (readonly [sku: string, quantity: number])[]): Promise<GuestCart>
  /** Waits until the order is `status`, or any final one. */
  reaches(orderId: string, cart: GuestCart, status?: string): Promise<Answer['body']>
  /** Waits until the payment of an order is `status`; answers it with its ledger. */
  paymentReaches(orderId: string, status: string): Promise<Answer['body']>
  /** Waits until these mails, each once and no other, were sent to an address; newest first. */
  mails(to: string, ...templates: readonly string[]): Promise<readonly Mail[]>
}

/** A shop in the given shape, with a staff member signed in. */
export async function openShop(shape: Shape, environment: Readonly<Record<string, string>>): Promise<ShopUnderTest> {
  const shop = await shape.start(environment)
  const shopper = createShopper(shop.url, { connections: 64, timeoutMs: 30_000 })
  const keeper = await openShopkeeper(shopper)
  const get = async (path: string) => (await keeper.call({ method: 'GET', path })).body
  const eventually = <T>(what: string, ask: () => Promise<T | undefined | false>) =>
    until(ask, { withinMs: PATIENCE_MS, what })

  return {
    ...shopper,
    shop,
    staff: keeper.call,
    stocked: keeper.stocked,
    coupon: keeper.coupon,
    usesBecome: (code, uses) =>
      eventually(`${uses} uses of ${code}`, async () => (await get(`/api/v1/coupons/${code}`)).uses === uses),
    stockOf: (sku) => get(`/api/v1/inventory/${sku}`),
    stockBecomes: (sku, { onHand, reserved }) =>
      eventually(`${onHand} of ${sku} on hand, ${reserved} reserved`, async () => {
        const level = await get(`/api/v1/inventory/${sku}`)
        return level.onHand === onHand && level.reserved === reserved
      }),
    cartWith: async (...lines) => {
      const cart = await shopper.newCart()
      for (const [sku, quantity] of lines) assert.equal((await shopper.add(cart, sku, quantity)).status, 201)
      return cart
    },
    reaches: (orderId, { token: cartToken }, status) =>
      eventually(`order ${orderId} ${status ?? 'at its end'}`, async () => {
        const { body } = await shopper.order(orderId, cartToken)
        return (status ? body?.status === status : FINAL.has(body?.status)) && body
      }),
    paymentReaches: (orderId, status) =>
      eventually(`payment of ${orderId} ${status}`, async () => {
        const body = await get(`/api/v1/payments/${orderId}`)
        return body?.status === status && body
      }),
    mails: (to, ...templates) =>
      eventually(`mails ${templates.join()} to ${to}`, async () => {
        const { items } = (await get(`/api/v1/mailbox?to=${encodeURIComponent(to)}`)) as { items: readonly Mail[] }
        return isDeepStrictEqual(items.map(({ template }) => template).sort(), templates.toSorted()) && items
      }),
    close: () => shopper.close().then(() => shop.close()),
  }
}
