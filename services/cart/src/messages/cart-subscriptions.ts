import { OrderCancelled, OrderConfirmed } from '@micromart/contracts/order'
import type { Clock } from '@micromart/kernel/clock'
import { on, type Subscription, subscription } from '@micromart/service-kit/subscription'
import type { CartEndings } from '../ports.ts'

/** Every message that cart listens to: a confirmed order clears its cart, a cancelled one lets it go. */
export const cartSubscription = ({ endings, clock }: { endings: CartEndings; clock: Clock }): Subscription =>
  subscription(
    on(OrderConfirmed, (tx, batch) =>
      endings.ordered(
        tx,
        batch.map(({ data }) => data),
        clock.now(),
      ),
    ),
    on(OrderCancelled, (tx, batch) =>
      endings.released(
        tx,
        batch.map(({ data }) => data),
        clock.now(),
      ),
    ),
  )
