import { randomUUID } from 'node:crypto'
import type { DataOf } from '@micromart/contracts/message'
import type { OrderCancelled, OrderConfirmed, OrderRefunded } from '@micromart/contracts/order'
import { orderNumber } from '@micromart/contracts/order-number'

const total = { minor: 2_800, currency: 'USD' }
const lines = [
  { lineId: randomUUID(), sku: 'MUG', title: 'Enamel mug', quantity: 2, unitPrice: { minor: 1_400, currency: 'USD' } },
]
const at = '2026-11-21T12:00:00.000Z'

export const confirmed = (orderId: string, customerId: string | null = null): DataOf<typeof OrderConfirmed> => ({
  ...{ orderId, customerId, lines, total },
  number: orderNumber(orderId),
  cartId: randomUUID(),
  paymentId: randomUUID(),
  confirmedAt: at,
})

export const cancelled = (orderId: string): DataOf<typeof OrderCancelled> => ({
  ...{ orderId, customerId: null, reason: 'customer', wasConfirmed: true },
  number: orderNumber(orderId),
  cartId: randomUUID(),
  cancelledAt: at,
})

export const refunded = (orderId: string): DataOf<typeof OrderRefunded> => ({
  ...{ orderId, customerId: null, lines, amount: total },
  number: orderNumber(orderId),
  refundedAt: at,
})
