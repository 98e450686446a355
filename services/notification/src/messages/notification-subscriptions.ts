import { OrderCancelled, OrderConfirmed, OrderRefunded } from '@micromart/contracts/order'
import { type MessageHandler, on, type Subscription, subscription } from '@micromart/service-kit/subscription'
import type { QueueEmails } from '../queue-emails.ts'

/** Every message that notification listens to: those about orders, and the letter each becomes, and those about accounts. */
export const notificationSubscriptions = (queue: QueueEmails, about: readonly MessageHandler[]): Subscription =>
  subscription(
    on(OrderConfirmed, (tx, batch) =>
      queue(
        tx,
        batch.map(({ data: { orderId, customerId, number, lines, discount, total }, context }) => ({
          ...{ orderId, customerId, context },
          letter: { template: 'order-confirmed', number, lines, ...(discount ? { discount } : {}), total },
        })),
      ),
    ),
    on(OrderCancelled, (tx, batch) =>
      queue(
        tx,
        batch.map(({ data: { orderId, customerId, number, reason, wasConfirmed }, context }) => ({
          ...{ orderId, customerId, context },
          letter: { template: 'order-cancelled', number, reason, wasConfirmed },
        })),
      ),
    ),
    on(OrderRefunded, (tx, batch) =>
      queue(
        tx,
        batch.map(({ data: { orderId, customerId, number, lines, discount, amount }, context }) => ({
          ...{ orderId, customerId, context },
          letter: { template: 'order-refunded', number, lines, ...(discount ? { discount } : {}), amount },
        })),
      ),
    ),
    ...about,
  )
