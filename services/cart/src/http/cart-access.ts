import { timingSafeEqual } from 'node:crypto'
import { hashCartToken } from '@micromart/http-kit/cart-token'
import { matches } from '@micromart/http-kit/etag'
import { isUuid } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { FastifyRequest } from 'fastify'
import type { CartOwner } from '../domain/cart.ts'
import type { OwnedCart } from '../ports.ts'

export type AccessRefusal = Refusal<'cart.unknown' | 'cart.version-mismatch'>

/** Opens a cart for its owner. Somebody else's cart and no cart at all look the same. */
export async function openCart(
  request: FastifyRequest,
  id: string,
  find: (id: string) => Promise<OwnedCart | undefined>,
): Promise<Result<OwnedCart, AccessRefusal>> {
  const found = isUuid(id) ? await find(id) : undefined
  if (!found || !mayOpen(request, found.owner)) return refuse('cart.unknown', 'There is no such cart')
  return ok(found)
}

/** As `openCart`, and refuses when the cart is no longer the one that the request was made for. */
export async function openCartToChange(
  request: FastifyRequest,
  id: string,
  find: (id: string) => Promise<OwnedCart | undefined>,
): Promise<Result<OwnedCart, AccessRefusal>> {
  const opened = await openCart(request, id, find)
  if (opened.ok && !matches(request.headers['if-match'], opened.value.cart))
    return refuse('cart.version-mismatch', 'The cart has changed since; read it again')
  return opened
}

function mayOpen(request: FastifyRequest, owner: CartOwner): boolean {
  if (owner.kind === 'customer') return request.caller.kind === 'user' && request.caller.userId === owner.customerId
  const token = request.headers['cart-token']
  if (typeof token !== 'string') return false
  const [given, kept] = [Buffer.from(hashCartToken(token)), Buffer.from(owner.tokenHash)]
  return given.length === kept.length && timingSafeEqual(given, kept)
}
