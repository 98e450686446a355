import { commandRunner, type Decider } from '@micromart/postgres/command-runner'
import type { AnyTimerHandler } from '@micromart/postgres/timers'
import { eraseWhenAsked, personalDataQueries } from '@micromart/service-kit/personal-data'
import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { bothOf, subscription } from '@micromart/service-kit/subscription'
import { grpcAcceptedCheckouts } from './adapters/grpc-accepted-checkouts.ts'
import { orderQueries } from './adapters/order-queries.ts'
import { postgresOrderSteps, postgresOrderViews } from './adapters/postgres-order-views.ts'
import { postgresPersonalData } from './adapters/postgres-personal-data.ts'
import type { OrderConfig } from './config.ts'
import { decide, evolve, noOrder, type Order, type OrderCommand, type OrderEvent } from './domain/order.ts'
import { type OrderTimer, react } from './domain/react.ts'
import { followOrders } from './follow-orders.ts'
import { orderEventsRoute } from './http/order-events-route.ts'
import { orderRoutes } from './http/order-routes.ts'
import { orderSubscription } from './messages/order-subscriptions.ts'
import { projectOrders } from './views/project-orders.ts'

const timerId = (kind: OrderTimer, orderId: string) => `${kind}:${orderId}`

const decider: Decider<Order, OrderCommand, OrderEvent> = {
  initial: noOrder,
  decide,
  evolve,
  react: (event, state, { streamId, at }) => {
    const { messages, wakeAt, noLonger } = react(event, state, { orderId: streamId, at: at.toISOString() })
    return {
      messages,
      schedule: wakeAt
        ? [
            {
              id: timerId(wakeAt.kind, streamId),
              kind: wakeAt.kind,
              subject: streamId,
              data: {},
              dueAt: new Date(wakeAt.at),
            },
          ]
        : [],
      cancel: noLonger ? [timerId(noLonger, streamId)] : [],
    }
  },
}

/** The order service on any parts: the decider behind HTTP, messages and timers. */
export async function orderService(parts: ServiceParts<OrderConfig>): Promise<BuiltService> {
  const { config, database, outbox, timers, clock } = parts
  const steps = postgresOrderSteps(database)
  const follow = followOrders({ steps, log: parts.log })
  const project: typeof projectOrders = async (tx, changed) => {
    await projectOrders(tx, changed)
    tx.afterCommit(follow.wake)
  }
  const orders = commandRunner({ decider, database, outbox, timers, clock, project })
  const views = postgresOrderViews(database)
  const accepted = grpcAcceptedCheckouts({ grpc: parts.grpc, cartUrls: config.CART_GRPC_URL })
  orderRoutes(parts.http, { orders, views, accepted, write: parts.write })
  const limits = { perClient: config.ORDER_STREAMS_PER_CLIENT, inAll: config.ORDER_STREAMS }
  orderEventsRoute(parts.http, { views, accepted, steps, follow, limits })
  const data = postgresPersonalData(database)
  const timeout = (kind: OrderTimer, command: OrderCommand): AnyTimerHandler => ({
    kind,
    settle: async (tx, done) => {
      await orders.runIn(
        tx,
        done.map(({ timer }) => ({ streamId: timer.subject, command, context: timer.context })),
      )
    },
  })
  return {
    subscription: bothOf(
      orderSubscription(orders, {
        stockMs: config.ORDER_STOCK_TIMEOUT_MS,
        paymentMs: config.ORDER_PAYMENT_TIMEOUT_MS,
      }),
      subscription(eraseWhenAsked('order', { data, outbox })),
    ),
    queries: (router) => {
      orderQueries(views)(router)
      personalDataQueries(data)(router)
    },
    timerHandlers: [
      timeout('stock-timeout', { type: 'NoteStockTimedOut' }),
      timeout('payment-timeout', { type: 'NotePaymentTimedOut' }),
    ],
  }
}
