import type { Database } from '@micromart/postgres/database'
import { chargedByLine } from '../domain/charged-lines.ts'
import type { Sale, SalesBook } from '../ports.ts'

const ADD_SALES = `
  INSERT INTO sales (order_id, day, confirmed_at, currency, total_minor)
  SELECT id, (at AT TIME ZONE 'UTC')::date, at, currency, minor
  FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bigint[]) AS row (id, at, currency, minor)
  ON CONFLICT DO NOTHING`
const ADD_LINES = `
  INSERT INTO sale_lines (order_id, line_id, day, sku, title, quantity, currency, minor)
  SELECT id, line, (at AT TIME ZONE 'UTC')::date, sku, title, quantity, currency, minor
  FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::int[], $7::text[], $8::bigint[])
    AS row (id, line, at, sku, title, quantity, currency, minor)
  ON CONFLICT DO NOTHING`
const ADD_REFUNDS = `
  INSERT INTO refunds (order_id, day, refunded_at, currency, minor)
  SELECT id, (at AT TIME ZONE 'UTC')::date, at, currency, minor
  FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bigint[]) AS row (id, at, currency, minor)
  ON CONFLICT DO NOTHING`
const DAYS = `
  SELECT to_char(day, 'YYYY-MM-DD') AS day, currency, sum(orders)::int AS orders, sum(revenue)::bigint AS revenue,
    sum(refunded_orders)::int AS refunded_orders, sum(refunded)::bigint AS refunded
  FROM (
    SELECT day, currency, 1 AS orders, total_minor AS revenue, 0 AS refunded_orders, 0 AS refunded FROM sales WHERE day BETWEEN $1 AND $2
    UNION ALL
    SELECT day, currency, 0, 0, 1, minor FROM refunds WHERE day BETWEEN $1 AND $2
  ) AS facts
  GROUP BY day, currency ORDER BY day, currency`
const TOP = `
  SELECT sku, currency, max(title) AS title, sum(quantity)::int AS quantity, sum(minor)::bigint AS revenue
  FROM sale_lines WHERE day BETWEEN $1 AND $2
  GROUP BY sku, currency ORDER BY sum(minor) DESC, sku LIMIT $3`

export const postgresSalesBook = (database: Database): SalesBook => ({
  async addSales(tx, sales) {
    tx.write(ADD_SALES, [
      sales.map(({ orderId }) => orderId),
      sales.map(({ confirmedAt }) => confirmedAt),
      sales.map(({ total }) => total.currency),
      sales.map(({ total }) => total.minor),
    ])
    const lines = sales.flatMap(chargedLines)
    tx.write(ADD_LINES, [
      lines.map(({ orderId }) => orderId),
      lines.map(({ lineId }) => lineId),
      lines.map(({ confirmedAt }) => confirmedAt),
      lines.map(({ sku }) => sku),
      lines.map(({ title }) => title),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPrice }) => unitPrice.currency),
      lines.map(({ minor }) => minor),
    ])
  },
  addRefunds: async (tx, refunds) => {
    tx.write(ADD_REFUNDS, [
      refunds.map(({ orderId }) => orderId),
      refunds.map(({ refundedAt }) => refundedAt),
      refunds.map(({ amount }) => amount.currency),
      refunds.map(({ amount }) => amount.minor),
    ])
  },
  days: async ({ from, to }) =>
    (
      await database.query<{
        day: string
        currency: string
        orders: number
        revenue: string
        refunded_orders: number
        refunded: string
      }>(DAYS, [from, to])
    ).map(({ day, currency, orders, revenue, refunded_orders, refunded }) => ({
      day,
      currency,
      orders,
      revenueMinor: Number(revenue),
      refundedOrders: refunded_orders,
      refundedMinor: Number(refunded),
    })),
  topProducts: async ({ from, to }, limit) =>
    (
      await database.query<{ sku: string; currency: string; title: string; quantity: number; revenue: string }>(TOP, [
        from,
        to,
        limit,
      ])
    ).map(({ revenue, ...product }) => ({ ...product, revenueMinor: Number(revenue) })),
})

function chargedLines({ orderId, confirmedAt, lines, total }: Sale) {
  const charged = chargedByLine(lines, total)
  return lines.map((line, index) => ({ ...line, orderId, confirmedAt, minor: charged[index] ?? 0 }))
}
