import { hashCartToken, newCartToken } from '@micromart/http-kit/cart-token'
import { etagOf } from '@micromart/http-kit/etag'
import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok } from '@micromart/kernel/result'
import type { Database } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { FastifyRequest } from 'fastify'
import { addItem, type CartOwner, type CartRefusal, changeQuantity, emptyCart } from '../domain/cart.ts'
import type { CartStore, Catalogue, CatalogueRefusal } from '../ports.ts'
import { type AccessRefusal, openCart } from './cart-access.ts'
import { ById, ByLine, bodyOf, CartBody, ItemBody, NewCartBody, QuantityBody, StartedCartBody } from './cart-schemas.ts'
import { cartStatuses } from './cart-statuses.ts'
import { cartEditor } from './edit-cart.ts'

const statuses = {
  ...cartStatuses,
  'cart.unknown-sku': 422,
  'cart.catalogue-unavailable': 503,
} satisfies StatusTable<(AccessRefusal | CartRefusal | CatalogueRefusal)['code']>

export interface CartRoutes {
  readonly carts: CartStore
  readonly catalogue: Catalogue
  readonly database: Database
  readonly write: IdempotentWrite
  readonly clock: Clock
  readonly ids: Ids
  /** ISO 4217 code for carts that ask for none. */
  readonly currency: string
}

export function cartRoutes(
  http: HttpServer,
  { carts, catalogue, database, write, clock, ids, currency }: CartRoutes,
): void {
  /** Its answer has the only copy of the cart's token; and a cart that is started twice hurts nobody. */
  const answerOnce = writeHandler(write, { statuses, key: 'ignored' })
  const edit = cartEditor({ carts, write, clock, statuses })

  http.post('/api/v1/carts', {
    config: { access: 'public' },
    schema: { tags: ['carts'], summary: 'Start a cart', body: NewCartBody, response: { 201: StartedCartBody } },
    handler: (request, reply) =>
      answerOnce(request, reply, async (tx) => {
        const cart = emptyCart(ids.next(), request.body?.currency ?? currency)
        const { owner, token } = newOwner(request)
        await carts.create(tx, { cart, owner }, clock.now())
        const headers = { location: `/api/v1/carts/${cart.id}`, etag: etagOf(cart) }
        return ok({ status: 201, headers, body: { ...bodyOf(cart), token } })
      }),
  })

  http.get('/api/v1/carts/:id', {
    config: { access: 'public' },
    schema: { ...ById, summary: 'A cart, for its owner (access token or Cart-Token)', response: { 200: CartBody } },
    handler: async (request, reply) => {
      const opened = await openCart(request, request.params.id, (id) => carts.find(database, id))
      if (!opened.ok) throw refusalProblem(opened.error, statuses)
      reply.header('etag', etagOf(opened.value.cart))
      return bodyOf(opened.value.cart)
    },
  })

  http.post('/api/v1/carts/:id/items', {
    config: { access: 'public' },
    schema: {
      ...ById,
      summary: 'Add pieces of a SKU at its price of now',
      body: ItemBody,
      response: { 201: CartBody },
    },
    handler: async (request, reply) => {
      const { sku, quantity } = request.body
      // asked before the transaction, looked at inside: a repeat gets its first answer even while the catalogue is down
      const found = await catalogue.find(sku)
      return edit({ request, reply, status: 201 }, (cart) =>
        found.ok
          ? addItem(cart, { id: ids.next(), sku, quantity, title: found.value.title, unitPrice: found.value.price })
          : found,
      )
    },
  })

  http.patch('/api/v1/carts/:id/items/:lineId', {
    config: { access: 'public' },
    schema: { ...ByLine, summary: 'Set the pieces of a line', body: QuantityBody, response: { 200: CartBody } },
    handler: (request, reply) =>
      edit({ request, reply }, (cart) => changeQuantity(cart, request.params.lineId, request.body.quantity)),
  })

  http.delete('/api/v1/carts/:id/items/:lineId', {
    config: { access: 'public' },
    schema: { ...ByLine, summary: 'Remove a line', body: NoBody, response: { 200: CartBody } },
    handler: (request, reply) => edit({ request, reply }, (cart) => changeQuantity(cart, request.params.lineId, 0)),
  })
}

/** A signed-in caller owns the cart; a guest gets a key to it, of which only the digest is kept. */
function newOwner({ caller }: FastifyRequest): { owner: CartOwner; token: string | null } {
  if (caller.kind === 'user') return { owner: { kind: 'customer', customerId: caller.userId }, token: null }
  const token = newCartToken()
  return { owner: { kind: 'guest', tokenHash: hashCartToken(token) }, token }
}
