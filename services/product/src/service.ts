import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { postgresProductBook, postgresProductShelf } from './adapters/postgres-products.ts'
import { postgresVariantsOnSale } from './adapters/postgres-variants-on-sale.ts'
import { productQueries } from './adapters/product-queries.ts'
import { importRoutes } from './http/import-routes.ts'
import { productReadRoutes } from './http/product-read-routes.ts'
import { productWriteRoutes } from './http/product-write-routes.ts'

/** The product service on any parts: the catalogue behind HTTP, what is on sale behind gRPC. */
export async function productService({
  database,
  write,
  audit,
  outbox,
  clock,
  ids,
  http,
}: ServiceParts): Promise<BuiltService> {
  productReadRoutes(http, { shelf: postgresProductShelf, database })
  productWriteRoutes(http, { shelf: postgresProductShelf, book: postgresProductBook, write, audit, outbox, clock, ids })
  importRoutes(http, { book: postgresProductBook, write, audit, outbox, clock, ids })
  return { queries: productQueries(postgresVariantsOnSale(database)) }
}
