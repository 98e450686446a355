import { OrderConfirmed, OrderRefunded } from '@micromart/contracts/order'
import { on, type Subscription, subscription } from '@micromart/service-kit/subscription'
import type { SalesBook } from '../ports.ts'

/** Every message that analytics listens to: a confirmed order is a sale, a refunded one a refund. */
export const analyticsSubscription = (book: SalesBook): Subscription =>
  subscription(
    on(OrderConfirmed, (tx, batch) =>
      book.addSales(
        tx,
        batch.map(({ data }) => data),
      ),
    ),
    on(OrderRefunded, (tx, batch) =>
      book.addRefunds(
        tx,
        batch.map(({ data }) => data),
      ),
    ),
  )
