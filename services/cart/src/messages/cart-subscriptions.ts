import { OrderCancelled, OrderConfirmed } from '@micromart/contracts/order'
import type { Clock } from '@micromart/kernel/clock'
import { on, type Subscription, subscription } from '@micromart/service-kit/subscription'
import type { CartEndings, CouponUses } from '../ports.ts'

export interface CartSubscription {
  readonly endings: CartEndings
  readonly coupons: CouponUses
  readonly clock: Clock
}

/** Every message that cart listens to: a confirmed order clears its cart, a cancelled one lets it go and gives back its coupon. */
export const cartSubscription = ({ endings, coupons, clock }: CartSubscription): Subscription =>
  subscription(
    on(OrderConfirmed, (tx, batch) =>
      endings.ordered(
        tx,
        batch.map(({ data }) => data),
        clock.now(),
      ),
    ),
    on(OrderCancelled, async (tx, batch) => {
      const ended = batch.map(({ data }) => data)
      await endings.released(tx, ended, clock.now())
      const orderIds = ended.map(({ orderId }) => orderId)
      await coupons.giveBack(tx, orderIds, clock.now())
    }),
  )
