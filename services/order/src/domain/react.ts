import type { AnyMessageType } from '@micromart/contracts/message'
import { OrderCancelled, OrderConfirmed, OrderPaymentDue, OrderPlaced, OrderRefunded } from '@micromart/contracts/order'
import { orderNumber } from '@micromart/contracts/order-number'
import type { Order, OrderEvent, Purchase } from './order.ts'

/** A message to others or a timer, still in the domain's own words. */
export interface OrderReaction {
  readonly messages: readonly { readonly type: AnyMessageType; readonly data: unknown }[]
  readonly wakeAt?: { readonly kind: OrderTimer; readonly at: string }
  readonly noLonger?: OrderTimer
}

export type OrderTimer = 'stock-timeout' | 'payment-timeout'

/** Who must hear of an event, and what must be woken later. `at` is when the event happened, RFC 3339. */
export function react(
  event: OrderEvent,
  after: Order,
  { orderId, at }: { orderId: string; at: string },
): OrderReaction {
  if (after.status === 'none') throw new Error(`${event.type} left no order`)
  const { purchase } = after
  const tell = <D>(type: AnyMessageType, data: D) => ({ messages: [{ type, data }] })
  const common = { orderId, number: orderNumber(orderId), customerId: purchase.customerId }
  switch (event.type) {
    case 'OrderPlaced':
      return {
        ...tell(OrderPlaced, { orderId, lines: purchase.lines.map(({ sku, quantity }) => ({ sku, quantity })) }),
        wakeAt: { kind: 'stock-timeout', at: event.stockDueAt },
      }
    case 'StockSecured':
      return {
        ...tell(OrderPaymentDue, {
          orderId,
          amount: purchase.total,
          method: purchase.paymentMethod,
          dueAt: event.paymentDueAt,
        }),
        wakeAt: { kind: 'payment-timeout', at: event.paymentDueAt },
        noLonger: 'stock-timeout',
      }
    case 'OrderConfirmed':
      return {
        ...tell(OrderConfirmed, {
          ...common,
          ...bought(purchase),
          paymentId: event.paymentId,
          confirmedAt: event.confirmedAt,
        }),
        noLonger: 'payment-timeout',
      }
    case 'OrderCancelled': {
      const wasConfirmed = after.status === 'cancelled' && after.wasConfirmed
      return tell(OrderCancelled, {
        ...common,
        cartId: purchase.cartId,
        reason: event.reason,
        wasConfirmed,
        cancelledAt: at,
      })
    }
    case 'OrderRefunded':
      return tell(OrderRefunded, {
        ...common,
        lines: purchase.lines,
        ...discountOf(purchase),
        amount: event.amount,
        refundedAt: at,
      })
    case 'PaymentActionRequested':
    case 'PaymentCaptured':
    case 'PaymentVoided':
      return { messages: [] }
  }
}

const bought = (purchase: Purchase) => {
  const { cartId, lines, total } = purchase
  return { cartId, lines, total, ...discountOf(purchase) }
}

const discountOf = ({ discount }: Purchase) => (discount ? { discount } : {})
