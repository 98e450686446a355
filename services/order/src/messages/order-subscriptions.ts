import { CartCheckedOut } from '@micromart/contracts/cart'
import { StockCommitRefused, StockRejected, StockReserved } from '@micromart/contracts/inventory'
import type { DataOf, MessageType } from '@micromart/contracts/message'
import {
  PaymentActionRequired,
  PaymentAuthorized,
  PaymentCaptured,
  PaymentDeclined,
  PaymentRefunded,
  PaymentVoided,
} from '@micromart/contracts/payment'
import type { CommandRunner } from '@micromart/postgres/command-runner'
import type { IncomingMessage, Subscription } from '@micromart/service-kit/subscription'
import type { OrderCommand, Purchase } from '../domain/order.ts'

/** How long an order waits, in milliseconds. */
export interface Waits {
  readonly stockMs: number
  readonly paymentMs: number
}

interface Heard {
  readonly type: MessageType<{ orderId: string }>
  readonly command: (message: IncomingMessage) => OrderCommand
}

const heard = <Data extends { orderId: string }>(
  type: MessageType<Data>,
  command: (data: Data, time: string) => OrderCommand,
): Heard => ({
  type,
  command: ({ data, time }) => command(data as Data, time),
})

const later = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString()

function purchaseOf(checkout: DataOf<typeof CartCheckedOut>): Purchase {
  const { cartId, customerId, guestTokenHash, lines, total, discount, paymentMethod } = checkout
  return { cartId, customerId, guestTokenHash, lines, total, ...(discount ? { discount } : {}), paymentMethod }
}

/** Every message that order listens to, and the command it becomes. A whole batch is one read and one write of the log. */
export function orderSubscription(orders: CommandRunner<OrderCommand>, waits: Waits): Subscription {
  const handlers = [
    heard(CartCheckedOut, (checkout, time) => ({
      type: 'PlaceOrder',
      purchase: purchaseOf(checkout),
      stockDueAt: later(time, waits.stockMs),
    })),
    heard(StockReserved, (_, time) => ({ type: 'NoteStockReserved', paymentDueAt: later(time, waits.paymentMs) })),
    heard(StockRejected, () => ({ type: 'NoteStockRejected' })),
    heard(StockCommitRefused, () => ({ type: 'NoteStockLost' })),
    heard(PaymentActionRequired, ({ actionUrl }) => ({ type: 'NotePaymentActionRequired', actionUrl })),
    heard(PaymentAuthorized, ({ paymentId, amount }, at) => ({ type: 'NotePaymentAuthorized', paymentId, amount, at })),
    heard(PaymentDeclined, () => ({ type: 'NotePaymentDeclined' })),
    heard(PaymentCaptured, ({ paymentId }) => ({ type: 'NotePaymentCaptured', paymentId })),
    heard(PaymentVoided, ({ paymentId }) => ({ type: 'NotePaymentVoided', paymentId })),
    heard(PaymentRefunded, ({ paymentId, amount }) => ({ type: 'NotePaymentRefunded', paymentId, amount })),
  ]
  const byType = new Map(handlers.map((handler) => [handler.type.type, handler]))
  return {
    types: handlers.map(({ type }) => type),
    handle: (tx, batch) =>
      orders.runIn(
        tx,
        batch.map((message) => {
          const handler = byType.get(message.type)
          if (!handler) throw new Error(`${message.type} is not handled`)
          return {
            streamId: (message.data as { orderId: string }).orderId,
            command: handler.command(message),
            context: message.context,
          }
        }),
      ),
  }
}
