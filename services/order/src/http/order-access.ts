import { hashCartToken } from '@micromart/http-kit/cart-token'
import { may } from '@micromart/http-kit/identity'
import { ProblemError } from '@micromart/http-kit/problem'
import { isUuid } from '@micromart/kernel/ids'
import type { FastifyRequest } from 'fastify'
import type { AcceptedCheckouts, OrderView, OrderViews } from '../ports.ts'

export const unknownOrder = () => new ProblemError(404, { code: 'order.unknown', detail: 'There is no such order' })

/** Finds an order for who asks. One of somebody else and none at all look the same. @throws ProblemError 404 */
export const orderAccess =
  ({ views, accepted }: { views: OrderViews; accepted: AcceptedCheckouts }) =>
  async (request: FastifyRequest, id: string): Promise<OrderView> => {
    if (!isUuid(id)) throw unknownOrder()
    const order = (await views.find(id)) ?? (await accepted.find(id))
    if (!order || !mayOpen(request, order)) throw unknownOrder()
    return order
  }

const mayOpen = (request: FastifyRequest, order: OrderView): boolean =>
  isOwner(request, order) || may(request.caller, 'orders:read') || may(request.caller, 'orders:write')

export function isOwner(request: FastifyRequest, order: OrderView): boolean {
  if (order.customerId !== null) return request.caller.kind === 'user' && request.caller.userId === order.customerId
  const token = request.headers['cart-token']
  return typeof token === 'string' && order.guestTokenHash !== null && hashCartToken(token) === order.guestTokenHash
}

/** The verifier of the guest's token is nobody's business, not even its owner's. */
export function publicData(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { purchase, ...rest } = data
  if (typeof purchase !== 'object' || purchase === null) return rest
  const { guestTokenHash: _, ...shown } = purchase as Record<string, unknown>
  return { ...rest, purchase: shown }
}
