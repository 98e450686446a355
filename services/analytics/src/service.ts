import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { postgresSalesBook } from './adapters/postgres-sales-book.ts'
import { analyticsRoutes } from './http/analytics-routes.ts'
import { analyticsSubscription } from './messages/analytics-subscriptions.ts'

/** The analytics service on any parts: facts from messages, sums over HTTP. */
export async function analyticsService({ database, clock, http }: ServiceParts): Promise<BuiltService> {
  const book = postgresSalesBook(database)
  analyticsRoutes(http, { book, clock })
  return { subscription: analyticsSubscription(book) }
}
