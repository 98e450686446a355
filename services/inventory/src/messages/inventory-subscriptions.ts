import { StockCommitRefused, StockRejected, StockReserved } from '@micromart/contracts/inventory'
import { OrderCancelled, OrderConfirmed, OrderPlaced } from '@micromart/contracts/order'
import type { Clock } from '@micromart/kernel/clock'
import type { Transaction } from '@micromart/postgres/database'
import { type Outbox, type OutgoingMessage, send } from '@micromart/postgres/outbox'
import type { Timers } from '@micromart/postgres/timers'
import { type IncomingMessage, on, type Subscription, subscription } from '@micromart/service-kit/subscription'
import type { ReservationCommand, Told } from '../domain/reservation.ts'
import type { RunReservations } from '../ports.ts'

export const HOLD_TIMER = 'expire-hold'

const timerId = (orderId: string) => `${HOLD_TIMER}:${orderId}`

export interface InventoryMessages {
  readonly outbox: Outbox
  readonly timers: Timers
  readonly clock: Clock
  /** How long a hold lasts, in milliseconds. */
  readonly holdMs: number
  readonly run: RunReservations
}

/** Every message that inventory listens to: placed orders are held, confirmed ones committed, cancelled ones given back. */
export function inventorySubscription({ outbox, timers, clock, holdMs, run }: InventoryMessages): Subscription {
  const handle =
    <Data extends { orderId: string }>(commandOf: (data: Data) => ReservationCommand) =>
    async (tx: Transaction, batch: readonly IncomingMessage<Data>[]) => {
      const now = clock.now()
      const expiresAt = new Date(now.getTime() + holdMs)
      const told = await run(
        tx,
        batch.map(({ data }) => ({ orderId: data.orderId, command: commandOf(data) })),
        { now, expiresAt },
      )
      const answers = batch.flatMap((message, index) => {
        const tell = told[index]
        return tell ? [{ message, tell, orderId: message.data.orderId }] : []
      })
      await outbox.add(
        tx,
        answers.map(({ message, tell, orderId }) => answer(orderId, tell, { message, expiresAt })),
      )
      await timers.schedule(
        tx,
        answers
          .filter(({ tell }) => tell.type === 'reserved')
          .map(({ message, orderId }) => ({
            id: timerId(orderId),
            kind: HOLD_TIMER,
            subject: orderId,
            data: {},
            dueAt: expiresAt,
            context: message.context,
          })),
      )
    }
  /** After this a hold need not run out any more. */
  const ending =
    <Data extends { orderId: string }>(
      next: (tx: Transaction, batch: readonly IncomingMessage<Data>[]) => Promise<void>,
    ) =>
    async (tx: Transaction, batch: readonly IncomingMessage<Data>[]) => {
      await next(tx, batch)
      await timers.cancel(
        tx,
        batch.map(({ data }) => timerId(data.orderId)),
      )
    }
  return subscription(
    on(
      OrderPlaced,
      handle(({ lines }) => ({ type: 'Hold', lines })),
    ),
    on(OrderConfirmed, ending(handle(() => ({ type: 'Commit' })))),
    on(OrderCancelled, ending(handle(() => ({ type: 'Cancel' })))),
  )
}

function answer(
  orderId: string,
  tell: Told,
  { message, expiresAt }: { message: IncomingMessage; expiresAt: Date },
): OutgoingMessage {
  switch (tell.type) {
    case 'reserved':
      return send(StockReserved, { orderId, expiresAt: expiresAt.toISOString() }, message.context)
    case 'rejected':
      return send(StockRejected, { orderId, shortages: [...tell.shortages] }, message.context)
    case 'commit-refused':
      return send(StockCommitRefused, { orderId, shortages: [...tell.shortages] }, message.context)
  }
}
