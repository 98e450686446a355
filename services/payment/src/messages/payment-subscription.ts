import type { MessageType } from '@micromart/contracts/message'
import { OrderCancelled, OrderConfirmed, OrderPaymentDue } from '@micromart/contracts/order'
import type { Ids } from '@micromart/kernel/ids'
import type { Subscription } from '@micromart/service-kit/subscription'
import type { PaymentCommand } from '../domain/payment.ts'
import type { RunPayments } from '../ports.ts'

interface Heard {
  readonly type: MessageType<{ orderId: string }>
  readonly command: (data: unknown) => PaymentCommand
}

const heard = <Data extends { orderId: string }>(
  type: MessageType<Data>,
  command: (data: Data) => PaymentCommand,
): Heard => ({ type, command: (data) => command(data as Data) })

/** Every message that payment listens to, and the command it becomes. A whole batch is one read and one write. */
export function paymentSubscription(run: RunPayments, ids: Ids): Subscription {
  const handlers = [
    heard(OrderPaymentDue, ({ amount, method, dueAt }) => ({
      type: 'RequestPayment',
      terms: { paymentId: ids.next(), amount, method, dueAt },
    })),
    heard(OrderConfirmed, () => ({ type: 'NoteOrderConfirmed' })),
    heard(OrderCancelled, () => ({ type: 'NoteOrderCancelled' })),
  ]
  const byType = new Map(handlers.map((handler) => [handler.type.type, handler]))
  return {
    types: handlers.map(({ type }) => type),
    handle: (tx, batch) =>
      run(
        tx,
        batch.map(({ type, data, context }) => {
          const handler = byType.get(type)
          if (!handler) throw new Error(`${type} is not handled`)
          return { orderId: (data as { orderId: string }).orderId, command: handler.command(data), context }
        }),
      ),
  }
}
