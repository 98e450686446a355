import { decodeCursor, encodeCursor, PageQuery, pageLimit } from '@micromart/http-kit/cursor'
import { etagOf } from '@micromart/http-kit/etag'
import { may } from '@micromart/http-kit/identity'
import { kitProblem, ProblemError } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import type { Database } from '@micromart/postgres/database'
import Type from 'typebox'
import { prefixQuery } from '../domain/search-terms.ts'
import type { ProductPage, ProductShelf } from '../ports.ts'
import { bodyOf, ProductBody, ProductPageBody, Status } from './product-schemas.ts'

const ListQuery = Type.Object(
  {
    ...PageQuery,
    q: Type.Optional(
      Type.String({ maxLength: 200, pattern: '^[^\\u0000]*$', description: 'words or their beginnings' }),
    ),
    status: Type.Optional(
      Type.Union([Status, Type.Literal('any')], { description: 'default active; the others for staff' }),
    ),
  },
  { additionalProperties: false },
)

export interface ProductReadRoutes {
  readonly shelf: ProductShelf
  readonly database: Database
}

export function productReadRoutes(http: HttpServer, { shelf, database }: ProductReadRoutes): void {
  const list = async (page: ProductPage, after: string | undefined) => {
    const [before] = decodeCursor(after, 1) ?? []
    if (before !== undefined && !isUuid(before)) throw badCursor()
    const found = await shelf.list(database, { ...page, limit: page.limit + 1, before })
    const products = found.slice(0, page.limit)
    const last = products.at(-1)
    return { products, nextCursor: found.length > page.limit && last ? encodeCursor([last.id]) : null }
  }

  const search = async (text: string, page: ProductPage, after: string | undefined) => {
    const position = searchPosition(after)
    const query = prefixQuery(text)
    if (!query) return { products: [], nextCursor: null }
    const found = await shelf.search(database, query, { ...page, limit: page.limit + 1, after: position })
    const shown = found.slice(0, page.limit)
    const last = shown.at(-1)
    const nextCursor = found.length > page.limit && last ? encodeCursor([String(last.rank), last.product.id]) : null
    return { products: shown.map(({ product }) => product), nextCursor }
  }

  http.get('/api/v1/products', {
    config: { access: 'public' },
    schema: {
      tags: ['products'],
      summary: 'Products, newest first; with q the best fit first',
      querystring: ListQuery,
      response: { 200: ProductPageBody },
    },
    handler: async (request) => {
      const { q = '', limit, after, status = 'active' } = request.query
      if (status !== 'active' && !may(request.caller, 'catalogue:read'))
        throw request.caller.kind === 'anonymous'
          ? kitProblem('auth.required', 'Sign in first: only staff sees products that are not on sale')
          : kitProblem('auth.forbidden', 'Only staff sees products that are not on sale')
      const page = { status: status === 'any' ? undefined : status, limit: pageLimit(limit) }
      const { products, nextCursor } = q.trim() === '' ? await list(page, after) : await search(q, page, after)
      return { items: products.map(bodyOf), nextCursor }
    },
  })

  http.get('/api/v1/products/:idOrHandle', {
    config: { access: 'public' },
    schema: {
      tags: ['products'],
      summary: 'A product by id or handle',
      params: Type.Object({ idOrHandle: Type.String() }),
      response: { 200: ProductBody },
    },
    handler: async (request, reply) => {
      const { idOrHandle } = request.params
      const product = idOrHandle.includes('\u0000') ? undefined : await shelf.find(database, idOrHandle)
      if (!product || (product.status !== 'active' && !may(request.caller, 'catalogue:read')))
        throw new ProblemError(404, { code: 'product.unknown', detail: 'There is no such product' })
      reply.header('etag', etagOf(product))
      return bodyOf(product)
    },
  })
}

const badCursor = () => kitProblem('request.bad-cursor', 'The cursor is not one that this list gave out')

/** A rank as this list gives it out; nothing so small that the database has no `real` for it. */
const RANK = /^(\d(\.\d{1,20})?|[1-9](\.\d{1,20})?e-[1-3]?\d)$/

function searchPosition(after: string | undefined) {
  const [rank, id] = decodeCursor(after, 2) ?? []
  if (rank === undefined || id === undefined) return undefined
  if (!RANK.test(rank) || !isUuid(id)) throw badCursor()
  return { rank: Number(rank), id }
}
