import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import { applyCoupon, removeCoupon } from '../domain/cart.ts'
import { couponCode, usableAt } from '../domain/coupon.ts'
import type { CartStore, CouponBook } from '../ports.ts'
import { ById, CartBody } from './cart-schemas.ts'
import { cartCouponStatuses } from './cart-statuses.ts'
import { CodeBody } from './coupon-schemas.ts'
import { cartEditor } from './edit-cart.ts'

export interface CartCouponRoutes {
  readonly carts: CartStore
  readonly coupons: CouponBook
  readonly write: IdempotentWrite
  readonly clock: Clock
}

export function cartCouponRoutes(http: HttpServer, { carts, coupons, write, clock }: CartCouponRoutes): void {
  const edit = cartEditor({ carts, write, clock, statuses: cartCouponStatuses })

  http.put('/api/v1/carts/:id/coupon', {
    config: { access: 'public' },
    schema: {
      ...ById,
      summary: 'Put a coupon into the cart; its use is taken by the checkout',
      body: CodeBody,
      response: { 200: CartBody },
    },
    handler: (request, reply) =>
      edit({ request, reply }, async (cart, tx) => {
        const code = couponCode(request.body.code)
        const usable = usableAt(code === undefined ? undefined : await coupons.find(tx, code), clock.now())
        return usable.ok ? applyCoupon(cart, usable.value.terms) : usable
      }),
  })

  http.delete('/api/v1/carts/:id/coupon', {
    config: { access: 'public' },
    schema: { ...ById, summary: 'Take the coupon out of the cart', body: NoBody, response: { 200: CartBody } },
    handler: (request, reply) => edit({ request, reply }, removeCoupon),
  })
}
