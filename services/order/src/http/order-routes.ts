import { orderNumber } from '@micromart/contracts/order-number'
import { decodeCursor, encodeCursor, PageQuery, pageLimit } from '@micromart/http-kit/cursor'
import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import { may } from '@micromart/http-kit/identity'
import { kitProblem, type StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import { refuse } from '@micromart/kernel/result'
import { type CommandRunner, retryOnConflict } from '@micromart/postgres/command-runner'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import Type from 'typebox'
import type { OrderCommand, OrderRefusal } from '../domain/order.ts'
import type { AcceptedCheckouts, OrderView, OrderViews } from '../ports.ts'
import { isOwner, orderAccess, publicData, unknownOrder } from './order-access.ts'
import { CancelledBody, OrderBody, OrderPage, TimelineBody } from './order-schemas.ts'

const statuses = {
  'order.unknown': 404,
  'order.already-refunded': 409,
  'order.amount-mismatch': 409,
  'order.being-placed': 409,
} satisfies StatusTable<OrderRefusal['code'] | 'order.being-placed'>

/** Its checkout is accepted and its owner may look at it, but it has not arrived here yet. */
const beingPlaced = refuse('order.being-placed', 'The order is still being placed; try again in a moment')

const byId = { params: Type.Object({ id: Type.String() }), tags: ['orders'] }

export interface OrderRoutes {
  readonly orders: CommandRunner<OrderCommand>
  readonly views: OrderViews
  readonly accepted: AcceptedCheckouts
  readonly write: IdempotentWrite
}

export function orderRoutes(http: HttpServer, { orders, views, accepted, write }: OrderRoutes): void {
  const answer = writeHandler(write, { statuses })

  const visibleOrder = orderAccess({ views, accepted })

  http.get('/api/v1/orders', {
    config: { access: 'signed-in' },
    schema: {
      tags: ['orders'],
      summary: 'My orders, newest first',
      querystring: Type.Object(PageQuery, { additionalProperties: false }),
      response: { 200: OrderPage },
    },
    handler: async (request) => {
      if (request.caller.kind !== 'user') throw unknownOrder()
      const limit = pageLimit(request.query.limit)
      const [before] = decodeCursor(request.query.after, 1) ?? []
      if (before !== undefined && !isUuid(before))
        throw kitProblem('request.bad-cursor', 'The cursor is not one that this list gave out')
      const found = await views.listFor(request.caller.userId, { before, limit: limit + 1 })
      const items = found.slice(0, limit)
      const last = items.at(-1)
      return {
        items: items.map(bodyOf),
        nextCursor: found.length > limit && last ? encodeCursor([last.orderId]) : null,
      }
    },
  })

  http.get('/api/v1/orders/:id', {
    config: { access: 'public' },
    schema: { ...byId, summary: 'An order, for its owner (access token or Cart-Token)', response: { 200: OrderBody } },
    handler: async (request) => bodyOf(await visibleOrder(request, request.params.id)),
  })

  http.get('/api/v1/orders/:id/timeline', {
    config: { access: 'public' },
    schema: { ...byId, summary: 'Every event of an order with its time and cause', response: { 200: TimelineBody } },
    handler: async (request) => {
      const { orderId } = await visibleOrder(request, request.params.id)
      const entries = await views.timeline(orderId)
      return {
        orderId,
        events: entries.map(({ at, data, ...entry }) => ({ ...entry, data: publicData(data), at: at.toISOString() })),
      }
    },
  })

  http.post('/api/v1/orders/:id/cancel', {
    config: { access: 'public' },
    schema: {
      ...byId,
      summary: 'Cancel an order; captured money is refunded',
      body: NoBody,
      response: { 202: CancelledBody },
    },
    handler: async (request, reply) => {
      const order = await visibleOrder(request, request.params.id)
      if (!isOwner(request, order) && !may(request.caller, 'orders:write'))
        throw kitProblem('auth.forbidden', 'This needs the permission orders:write')
      const { orderId } = order
      return retryOnConflict(() =>
        answer(request, reply, async (tx) => {
          const [result] = await orders.runIn(tx, [
            { streamId: orderId, command: { type: 'CancelOrder' }, context: request.context },
          ])
          if (result && !result.ok) return result.error.code === 'order.unknown' ? beingPlaced : result
          return { ok: true, value: { status: 202, body: { orderId, status: 'cancelled' } } }
        }),
      )
    },
  })
}

const bodyOf = (order: OrderView) => ({
  id: order.orderId,
  number: orderNumber(order.orderId),
  status: order.status,
  ...(order.reason ? { reason: order.reason } : {}),
  ...(order.actionUrl ? { payment: { actionUrl: order.actionUrl } } : {}),
  lines: [...order.lines],
  ...(order.discount ? { discount: order.discount } : {}),
  total: order.total,
  ...(order.status === 'refunded' ? { refunded: { minor: order.refundedMinor, currency: order.total.currency } } : {}),
  placedAt: order.placedAt.toISOString(),
  updatedAt: order.updatedAt.toISOString(),
})
