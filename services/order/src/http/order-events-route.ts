import { ProblemError } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { FollowOrders } from '../follow-orders.ts'
import type { AcceptedCheckouts, OrderSteps, OrderView, OrderViews } from '../ports.ts'
import { orderAccess } from './order-access.ts'
import { isOver, orderStream, progressOf } from './order-stream.ts'

export interface OrderEventsRoute {
  readonly views: OrderViews
  readonly accepted: AcceptedCheckouts
  readonly steps: OrderSteps
  readonly follow: FollowOrders
  /** Streams that may be open here at once. */
  readonly limits: { readonly perClient: number; readonly inAll: number }
}

const statuses = { 'order.bad-event-id': 400, 'order.too-many-streams': 429, 'order.streams-full': 503 } as const

const refusal = (code: keyof typeof statuses, detail: string) => new ProblemError(statuses[code], { code, detail })

/** An order's progress, pushed. */
export function orderEventsRoute(http: HttpServer, options: OrderEventsRoute): void {
  const { views, accepted, steps, follow, limits } = options
  const visibleOrder = orderAccess({ views, accepted })
  const takeSlot = slots(limits)
  const leaving = new AbortController()
  http.addHook('preClose', async () => leaving.abort())

  const open = async (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply) => {
    const order = await visibleOrder(request, request.params.id)
    const { orderId } = order
    const past = progressOf((await steps.after(new Map([[orderId, 0]]))).get(orderId) ?? [])
    const after = positionOf(request.headers['last-event-id'], past.steps.length)
    if (isOver(past) && after === past.steps.length) return reply.code(204).send() // tells an EventSource not to come back
    const isHead = request.method === 'HEAD'
    const giveBack = isHead ? () => {} : takeSlot(clientOf(request, order), reply)
    reply.type('text/event-stream').header('cache-control', 'no-store').header('x-accel-buffering', 'no')
    if (isHead) return reply.send()
    const stream = orderStream(orderId, { past, after, follow, leaving: leaving.signal })
    return reply.send(stream.once('close', giveBack))
  }

  http.get('/api/v1/orders/:id/events', {
    config: { access: 'public' },
    schema: {
      tags: ['orders'],
      summary: 'What happens to an order as server-sent events, until it is settled; resumes after Last-Event-ID',
      params: Type.Object({ id: Type.String() }),
      response: {
        200: {
          description: '`id` is the position, `data` has version, type, status, at and data; `event: end` is the last',
          content: { 'text/event-stream': { schema: Type.String() } },
        },
        204: Type.Null({ description: 'the order is settled and nothing came after Last-Event-ID' }),
      },
    },
    handler: open,
  })
}

const POSITION = /^\d{1,9}$/

/** How much the client has seen. @throws ProblemError 400 for what this stream never gave out */
function positionOf(given: string | string[] | undefined, last: number): number {
  if (given === undefined || given === '') return 0
  if (typeof given === 'string' && POSITION.test(given) && Number(given) <= last) return Number(given)
  throw refusal('order.bad-event-id', 'Last-Event-ID is not one of this order; leave it out to see all of its events')
}

/** A guest is known by the order's token. */
function clientOf({ caller }: FastifyRequest, { guestTokenHash }: OrderView): string {
  if (caller.kind === 'user') return caller.userId
  return caller.kind === 'machine' ? `key ${caller.keyId}` : `guest ${guestTokenHash}`
}

function slots({ perClient, inAll }: OrderEventsRoute['limits']) {
  const open = new Map<string, number>()
  let total = 0
  const change = (client: string, by: 1 | -1) => {
    const count = (open.get(client) ?? 0) + by
    total += by
    if (count === 0) open.delete(client)
    else open.set(client, count)
  }
  return (client: string, reply: FastifyReply) => {
    if ((open.get(client) ?? 0) >= perClient) {
      reply.header('retry-after', '5')
      throw refusal('order.too-many-streams', 'You follow as many orders as one may at once; close one of the streams')
    }
    if (total >= inAll) throw refusal('order.streams-full', 'Too many follow orders right now; try again in a moment')
    change(client, 1)
    return () => change(client, -1)
  }
}
