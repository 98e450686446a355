import { ProductChanged } from '@micromart/contracts/product'
import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import { actorOf } from '@micromart/http-kit/identity'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Transaction } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { FastifyRequest } from 'fastify'
import { planChanges } from '../domain/plan-changes.ts'
import { contentOf, type ProductContent } from '../domain/product.ts'
import { toldChange } from '../domain/tell-changes.ts'
import type { ProductBook } from '../ports.ts'
import { ImportBody, ImportedBody, NewProductBody } from './product-schemas.ts'

const BODY_LIMIT = 8 * 1024 * 1024

interface ImportedProduct {
  readonly handle: string
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'refused'
  readonly code?: string
  readonly detail?: string
}

export interface ImportRoutes {
  readonly book: ProductBook
  readonly write: IdempotentWrite
  readonly audit: AuditLog
  readonly outbox: Outbox
  readonly clock: Clock
  readonly ids: Ids
}

export function importRoutes(http: HttpServer, { book, write, audit, outbox, clock, ids }: ImportRoutes): void {
  const answer = writeHandler(write, { statuses: {} })

  const bringIn = async (tx: Transaction, contents: readonly ProductContent[]) => {
    await book.lock(tx)
    const known = new Map(
      (
        await book.byHandles(
          tx,
          contents.map(({ handle }) => handle),
        )
      ).map((product) => [product.handle, product]),
    )
    const wanted = contents.map((content) => {
      const before = known.get(content.handle)
      return { id: before?.id ?? ids.next(), before, content }
    })
    const planned = planChanges(wanted, await book.neighbours(tx, contents), clock.now())
    await book.save(
      tx,
      planned.flatMap((plan) => (plan.ok ? [plan.value] : [])),
    )
    // brought in by handle, so it is the one that there was
    const told = planned.flatMap((plan) => (plan.ok ? toldChange(plan.value, undefined) : []))
    await outbox.add(
      tx,
      told.map((change) => send(ProductChanged, change)),
    )
    return planned
  }

  http.post('/api/v1/products/import', {
    config: { access: 'catalogue:write' },
    bodyLimit: BODY_LIMIT,
    schema: {
      tags: ['products'],
      summary: 'Create or update many products by handle; a bad one does not stop the others',
      body: ImportBody,
      response: { 200: ImportedBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const drafts = readDrafts(request, request.body.products)
        const planned = await bringIn(
          tx,
          drafts.flatMap(({ content }) => (content.ok ? [content.value] : [])),
        )
        const plans = planned.values()
        const results = drafts.map(({ handle, content }): ImportedProduct => {
          const plan = content.ok ? plans.next().value : content
          if (!plan) throw new Error('Every product that was brought in has a plan')
          return plan.ok ? { handle, outcome: plan.value.outcome } : { handle, outcome: 'refused', ...plan.error }
        })
        const details = changesOf(results)
        if (details.created.length + details.updated.length > 0)
          await audit.append(tx, {
            ...{ actor: actorOf(request.caller), action: 'product.imported', subject: `${results.length} products` },
            details,
          })
        return ok({ status: 200, body: { results } })
      }),
  })
}

/** What became of them: by handle where something changed, by number where nothing did. */
function changesOf(results: readonly ImportedProduct[]) {
  const handles = (wanted: ImportedProduct['outcome']) =>
    results.filter(({ outcome }) => outcome === wanted).map(({ handle }) => handle)
  return {
    ...{ created: handles('created'), updated: handles('updated') },
    ...{ unchanged: handles('unchanged').length, refused: handles('refused').length },
  }
}

interface Draft {
  readonly handle: string
  readonly content: Result<ProductContent>
}

/** A handle counts once: what comes again under it is refused, as nobody can tell which was meant. */
function readDrafts(request: FastifyRequest, products: readonly object[]): readonly Draft[] {
  const fits = request.compileValidationSchema(NewProductBody)
  const seen = new Set<string>()
  return products.map((product) => {
    const handle = handleOf(product)
    if (!fits(product)) return { handle, content: refuse('product.invalid', faultsOf(fits.errors)) }
    if (seen.has(handle))
      return { handle, content: refuse('product.handle-repeated', `The handle ${handle} came before in this import`) }
    seen.add(handle)
    return { handle, content: contentOf(product as NewProductBody) }
  })
}

const handleOf = (product: object): string =>
  'handle' in product && typeof product.handle === 'string' ? product.handle.slice(0, 255) : ''

const faultsOf = (errors: readonly { instancePath?: string; message?: string }[] | null | undefined): string =>
  (errors ?? [])
    .slice(0, 3)
    .map(({ instancePath, message }) => `${instancePath || 'the product'} ${message ?? 'is not valid'}`)
    .join('; ')
