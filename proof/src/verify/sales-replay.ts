import type { Books } from './books.ts'
import { type Compared, stateOf } from './canonical.ts'
import type { LoggedLine, OrderReplay, ReplayedOrder } from './order-replay.ts'

const SALES = 'SELECT order_id, day::text AS day, confirmed_at, currency, total_minor FROM sales'
const LINES =
  'SELECT order_id, line_id, day::text AS day, sku, title, quantity, currency, minor FROM sale_lines ORDER BY order_id, line_id'
const REFUNDS = 'SELECT order_id, day::text AS day, refunded_at, currency, minor FROM refunds'

/** Sales and refunds as analytics has heard them, against the log of the orders that caused them. */
export async function compareSales(books: Books, { orders }: OrderReplay): Promise<Compared> {
  const read = async (kind: string, sql: string, keyColumn: string) =>
    stateOf(
      await books.read<Record<string, unknown>>('analytics', sql),
      (row) => `${kind} ${String(row['order_id'])} ${String(row[keyColumn])}`,
    )
  const all = [...orders.values()]
  const sales = all.flatMap(saleRows)
  const lines = all.flatMap(saleLineRows)
  const refunds = all.flatMap(refundRows)
  return {
    replayed: new Map([
      ...stateOf(sales, ({ order_id, currency }) => `sale ${order_id} ${currency}`),
      ...stateOf(lines, ({ order_id, line_id }) => `line ${order_id} ${line_id}`),
      ...stateOf(refunds, ({ order_id, currency }) => `refund ${order_id} ${currency}`),
    ]),
    stored: new Map([
      ...(await read('sale', SALES, 'currency')),
      ...(await read('line', LINES, 'line_id')),
      ...(await read('refund', REFUNDS, 'currency')),
    ]),
  }
}

const dayOf = (at: Date) => at.toISOString().slice(0, 10)

function saleRows({ orderId, purchase, confirmedAt }: ReplayedOrder) {
  if (confirmedAt === null) return []
  const at = new Date(confirmedAt)
  const { minor, currency } = purchase.total
  return [{ order_id: orderId, day: dayOf(at), confirmed_at: at, currency, total_minor: String(minor) }]
}

function saleLineRows({ orderId, purchase, confirmedAt }: ReplayedOrder) {
  if (confirmedAt === null) return []
  const charged = chargedFor(purchase.lines, BigInt(purchase.total.minor))
  return purchase.lines.map(({ lineId, sku, title, quantity, unitPrice: { currency } }, index) => ({
    ...{ order_id: orderId, line_id: lineId, day: dayOf(new Date(confirmedAt)) },
    ...{ sku, title, quantity, currency, minor: String(charged[index]) },
  }))
}

/** Shares the total out by what the lines cost: up to each line as much as is due until there, rounded down. */
export function chargedFor(lines: readonly LoggedLine[], total: bigint): readonly bigint[] {
  const costs = lines.map(({ unitPrice, quantity }) => BigInt(unitPrice.minor) * BigInt(quantity))
  const whole = costs.reduce((sum, cost) => sum + cost, 0n)
  const due = costs.map((_, index) => {
    const until = costs.slice(0, index + 1).reduce((sum, cost) => sum + cost, 0n)
    return whole === 0n ? 0n : (total * until) / whole
  })
  return due.map((until, index) => until - (due[index - 1] ?? 0n))
}

const refundRows = ({ orderId, refunded }: ReplayedOrder) =>
  refunded
    ? [
        {
          ...{ order_id: orderId, day: dayOf(refunded.at), refunded_at: refunded.at },
          ...{ currency: refunded.currency, minor: String(refunded.minor) },
        },
      ]
    : []
