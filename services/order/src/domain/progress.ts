import type { Order, OrderEvent } from './order.ts'

/**
 * Nothing more is to be expected of its checkout: paid and captured, called off before it was confirmed, or the money is back. A customer
 * may still cancel a captured order; that is a new story.
 */
export const isSettled = (order: Order, last: OrderEvent): boolean =>
  order.status === 'refunded' ||
  (order.status === 'cancelled' && !order.wasConfirmed) ||
  (order.status === 'confirmed' && last.type === 'PaymentCaptured')
