import { refusalProblem } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import { type PeriodRefusal, periodOf } from '../domain/period.ts'
import type { Figures, SalesBook } from '../ports.ts'
import { SalesBody, SalesQuery } from './analytics-schemas.ts'

const statuses = { 'analytics.bad-period': 400 } satisfies StatusTable<PeriodRefusal['code']>

const TOP_PRODUCTS = 10

export function analyticsRoutes(http: HttpServer, { book, clock }: { book: SalesBook; clock: Clock }): void {
  http.get('/api/v1/analytics/sales', {
    config: { access: 'sales:read' },
    schema: {
      tags: ['analytics'],
      summary: 'Orders and revenue per day, and what sold best',
      querystring: SalesQuery,
      response: { 200: SalesBody },
    },
    handler: async (request) => {
      const period = periodOf(request.query, clock.now().toISOString().slice(0, 10))
      if (!period.ok) throw refusalProblem(period.error, statuses)
      const days = await book.days(period.value)
      const top = await book.topProducts(period.value, TOP_PRODUCTS)
      return {
        ...period.value,
        days: days.map(({ day, ...figures }) => ({ day, ...bodyOf(figures) })),
        totals: totalsOf(days).map(bodyOf),
        topProducts: top.map(({ revenueMinor, currency, ...product }) => ({
          ...product,
          revenue: { minor: revenueMinor, currency },
        })),
      }
    },
  })
}

const bodyOf = ({ currency, orders, revenueMinor, refundedOrders, refundedMinor }: Figures) => ({
  currency,
  orders,
  revenue: { minor: revenueMinor, currency },
  refunds: { orders: refundedOrders, amount: { minor: refundedMinor, currency } },
})

function totalsOf(days: readonly Figures[]): readonly Figures[] {
  const totals = new Map<string, Figures>()
  for (const day of days) {
    const sum = totals.get(day.currency)
    totals.set(day.currency, {
      currency: day.currency,
      orders: day.orders + (sum?.orders ?? 0),
      revenueMinor: day.revenueMinor + (sum?.revenueMinor ?? 0),
      refundedOrders: day.refundedOrders + (sum?.refundedOrders ?? 0),
      refundedMinor: day.refundedMinor + (sum?.refundedMinor ?? 0),
    })
  }
  return [...totals.values()]
}
