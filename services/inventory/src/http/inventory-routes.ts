import { Sku } from '@micromart/contracts/message'
import { decodeCursor, encodeCursor, PageQuery, pageLimit } from '@micromart/http-kit/cursor'
import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import { actorOf } from '@micromart/http-kit/identity'
import { kitProblem, ProblemError, type StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Note, StockBook, StockLevel, StockRefusal } from '../ports.ts'
import { AdjustmentBody, LevelBody, MovementPage, OpenedStockBody, OpeningStockBody } from './inventory-schemas.ts'

const statuses = { 'inventory.unknown-sku': 404, 'inventory.below-reserved': 409 } satisfies StatusTable<
  StockRefusal['code']
>

const unknown = () =>
  new ProblemError(404, { code: 'inventory.unknown-sku', detail: 'There is no stock record of this SKU' })

const bySku = { params: Type.Object({ sku: Type.String() }), tags: ['inventory'] }

export interface InventoryRoutes {
  readonly stock: StockBook
  readonly database: Database
  readonly write: IdempotentWrite
  readonly audit: AuditLog
  readonly clock: Clock
}

export function inventoryRoutes(http: HttpServer, { stock, database, write, audit, clock }: InventoryRoutes): void {
  const answer = writeHandler(write, { statuses })

  const noteOf = ({ caller }: FastifyRequest, reason: string): Note => ({
    ...{ actor: actorOf(caller), reason, at: clock.now() },
  })

  http.get('/api/v1/inventory/:sku', {
    config: { access: 'public' },
    schema: { ...bySku, summary: 'Stock of a SKU', response: { 200: LevelBody } },
    handler: async (request) => {
      const level = await stock.find(database, request.params.sku.replaceAll('\u0000', ''))
      if (!level) throw unknown()
      return bodyOf(level)
    },
  })

  http.get('/api/v1/inventory/:sku/movements', {
    config: { access: 'stock:read' },
    schema: {
      ...bySku,
      summary: 'Every change of its stock, newest first',
      querystring: Type.Object(PageQuery, { additionalProperties: false }),
      response: { 200: MovementPage },
    },
    handler: async (request) => {
      const { sku } = request.params
      if (!(await stock.find(database, sku.replaceAll('\u0000', '')))) throw unknown()
      const limit = pageLimit(request.query.limit)
      const [before] = decodeCursor(request.query.after, 1) ?? []
      if (before !== undefined && !/^\d{1,18}$/.test(before))
        throw kitProblem('request.bad-cursor', 'The cursor is not one that this list gave out')
      const found = await stock.movements(database, sku, { before, limit: limit + 1 })
      const items = found.slice(0, limit).map((movement) => ({ ...movement, at: movement.at.toISOString() }))
      const last = items.at(-1)
      return { items, nextCursor: found.length > limit && last ? encodeCursor([last.id]) : null }
    },
  })

  http.post('/api/v1/inventory/:sku/adjustments', {
    config: { access: 'stock:write' },
    schema: {
      ...bySku,
      summary: 'Add or take pieces',
      params: Type.Object({ sku: Sku }),
      body: AdjustmentBody,
      response: { 201: LevelBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const { quantity, reason } = request.body
        const { sku } = request.params
        const note = noteOf(request, reason)
        const result = await stock.adjust(tx, { sku, quantity }, note)
        if (!result.ok) return result
        const body = bodyOf(result.value)
        // without the reason: free text may name somebody, and from the audit log nothing is ever removed
        const details = { quantity, onHand: body.onHand }
        await audit.append(tx, { actor: note.actor, action: 'inventory.adjusted', subject: sku, details })
        return { ok: true, value: { status: 201, body } }
      }),
  })

  http.post('/api/v1/inventory/opening-stock', {
    config: { access: 'stock:write' },
    schema: {
      tags: ['inventory'],
      summary: 'The first count of many SKUs at once',
      body: OpeningStockBody,
      response: { 200: OpenedStockBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const { items, overwrite = false } = request.body
        const unique = [...new Map(items.map((item) => [item.sku, item])).values()]
        const note = noteOf(request, 'opening stock')
        const body = await stock.open(tx, { items: unique, overwrite }, note)
        const asked = { overwrite, items: unique.map(({ sku, quantity }) => ({ sku, quantity })) }
        const came = { set: body.set, unchanged: body.unchanged, refused: body.refused.map(({ sku }) => sku) }
        const subject = unique.length === 1 ? (unique[0]?.sku ?? '') : `${unique.length} SKUs`
        const details = { ...asked, ...came }
        if (body.set > 0)
          await audit.append(tx, { actor: note.actor, action: 'inventory.opening-stock-set', subject, details })
        return { ok: true, value: { status: 200, body } }
      }),
  })
}

const bodyOf = ({ sku, onHand, reserved }: StockLevel) => ({ sku, onHand, reserved, available: onHand - reserved })
