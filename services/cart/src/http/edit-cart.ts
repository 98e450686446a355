import { etagOf } from '@micromart/http-kit/etag'
import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { Clock } from '@micromart/kernel/clock'
import { ok, type Refusal, type Result } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Cart } from '../domain/cart.ts'
import type { CartStore } from '../ports.ts'
import { openCartToChange } from './cart-access.ts'
import { bodyOf } from './cart-schemas.ts'

type Change = (cart: Cart, tx: Transaction) => Result<Cart, Refusal> | Promise<Result<Cart, Refusal>>

export interface EditedCart {
  readonly request: FastifyRequest<{ Params: { id: string } }>
  readonly reply: FastifyReply
  /** Default 200. */
  readonly status?: number
}

/** Changes a cart for its owner, in one transaction under the cart's lock, and answers the cart as it is then. */
export function cartEditor(options: {
  carts: CartStore
  write: IdempotentWrite
  clock: Clock
  statuses: StatusTable
}): (edited: EditedCart, change: Change) => Promise<never> {
  const { carts, write, clock, statuses } = options
  const answer = writeHandler(write, { statuses })
  return ({ request, reply, status = 200 }, change) =>
    answer(request, reply, async (tx) => {
      const opened = await openCartToChange(request, request.params.id, (id) => carts.lock(tx, id))
      if (!opened.ok) return opened
      const changed = await change(opened.value.cart, tx)
      if (!changed.ok) return changed
      await carts.save(tx, changed.value, clock.now())
      return ok({ status, headers: { etag: etagOf(changed.value) }, body: bodyOf(changed.value) })
    })
}
