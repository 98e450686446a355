import { ProductChanged } from '@micromart/contracts/product'
import { etagOf, matches } from '@micromart/http-kit/etag'
import { type WriteAnswer, writeHandler } from '@micromart/http-kit/idempotent-handler'
import { actorOf, type Caller } from '@micromart/http-kit/identity'
import type { StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Result, refuse } from '@micromart/kernel/result'
import type { AuditEntry, AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { type PlannedChange, planChanges, type WantedProduct } from '../domain/plan-changes.ts'
import { changeContent, contentOf, type Product, type ProductContent } from '../domain/product.ts'
import { toldChange } from '../domain/tell-changes.ts'
import type { ProductBook, ProductRefusal, ProductShelf } from '../ports.ts'
import { bodyOf, NewProductBody, ProductBody, ProductChangeBody } from './product-schemas.ts'

const statuses = {
  'product.unknown': 404,
  'product.handle-taken': 409,
  'product.sku-taken': 409,
  'product.version-mismatch': 412,
  'product.bad-image': 422,
  'product.bad-options': 422,
  'product.bad-price': 422,
  'product.duplicate-sku': 422,
} satisfies StatusTable<ProductRefusal['code']>

const byId = { params: Type.Object({ id: Type.String() }), tags: ['products'] }

export interface ProductWriteRoutes {
  readonly shelf: ProductShelf
  readonly book: ProductBook
  readonly write: IdempotentWrite
  readonly audit: AuditLog
  readonly outbox: Outbox
  readonly clock: Clock
  readonly ids: Ids
}

export function productWriteRoutes(
  http: HttpServer,
  { shelf, book, write, audit, outbox, clock, ids }: ProductWriteRoutes,
): void {
  const answer = writeHandler(write, { statuses })

  const put = async (
    tx: Transaction,
    wanted: WantedProduct,
    caller: Caller,
  ): Promise<Result<PlannedChange, ProductRefusal>> => {
    const [planned] = planChanges([wanted], await book.neighbours(tx, [wanted.content]), clock.now())
    if (!planned) throw new Error('One change has one plan')
    if (!planned.ok) return planned
    await book.save(tx, [planned.value])
    const told = toldChange(planned.value, wanted.before?.handle)
    await outbox.add(
      tx,
      told.map((change) => send(ProductChanged, change)),
    )
    if (planned.value.outcome !== 'unchanged')
      await audit.append(tx, { ...auditOf(wanted, planned.value), actor: actorOf(caller) })
    return planned
  }

  const change = (
    request: FastifyRequest<{ Params: { id: string } }>,
    reply: FastifyReply,
    decide: (product: Product) => Result<ProductContent, ProductRefusal>,
  ) =>
    answer(request, reply, async (tx) => {
      await book.lock(tx)
      const { id } = request.params
      const before = id.includes('\u0000') ? undefined : await shelf.find(tx, id)
      if (!before) return refuse('product.unknown', 'There is no such product')
      if (!matches(request.headers['if-match'], before))
        return refuse('product.version-mismatch', 'The product has changed since; read it again')
      const content = decide(before)
      if (!content.ok) return content
      return answerOf(await put(tx, { id: before.id, before, content: content.value }, request.caller), 200)
    })

  http.post('/api/v1/products', {
    config: { access: 'catalogue:write' },
    schema: { tags: ['products'], summary: 'Create a product', body: NewProductBody, response: { 201: ProductBody } },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const content = contentOf(request.body)
        if (!content.ok) return content
        await book.lock(tx)
        return answerOf(await put(tx, { id: ids.next(), content: content.value }, request.caller), 201)
      }),
  })

  http.patch('/api/v1/products/:id', {
    config: { access: 'catalogue:write' },
    schema: {
      ...byId,
      summary: 'Change some fields; variants, options and images are replaced as a whole',
      body: ProductChangeBody,
      response: { 200: ProductBody },
    },
    handler: (request, reply) => change(request, reply, (product) => changeContent(product, request.body)),
  })

  http.post('/api/v1/products/:id/archive', {
    config: { access: 'catalogue:write' },
    schema: {
      ...byId,
      summary: 'Take a product off sale for good; its SKUs stay taken',
      body: NoBody,
      response: { 200: ProductBody },
    },
    handler: (request, reply) => change(request, reply, (product) => changeContent(product, { status: 'archived' })),
  })
}

function auditOf({ before }: WantedProduct, { outcome, product }: PlannedChange): Omit<AuditEntry, 'actor'> {
  const { id, handle, version, status } = product
  const isArchived = status === 'archived' && before?.status !== 'archived'
  return {
    action: isArchived ? 'product.archived' : `product.${outcome}`,
    subject: id,
    details: { handle, version, status },
  }
}

function answerOf(planned: Result<PlannedChange, ProductRefusal>, status: number): Result<WriteAnswer, ProductRefusal> {
  if (!planned.ok) return planned
  const { product } = planned.value
  const location = status === 201 ? { location: `/api/v1/products/${product.id}` } : {}
  return ok({ status, headers: { ...location, etag: etagOf(product) }, body: bodyOf(product) })
}
