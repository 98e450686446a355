import type { Books } from './books.ts'
import { type Finding, finding } from './finding.ts'

interface Moved {
  readonly captured: number
  readonly refunded: number
  readonly authorized: number
  readonly voided: number
}

const PROVIDER = `
  SELECT p.order_id, p.currency,
    coalesce(sum(l.minor) FILTER (WHERE l.kind = 'authorize'), 0)::bigint AS authorized,
    coalesce(sum(l.minor) FILTER (WHERE l.kind = 'capture'), 0)::bigint AS captured,
    coalesce(sum(l.minor) FILTER (WHERE l.kind = 'void'), 0)::bigint AS voided,
    coalesce(sum(l.minor) FILTER (WHERE l.kind = 'refund'), 0)::bigint AS refunded,
    count(*) FILTER (WHERE l.kind = 'capture')::int AS captures
  FROM sandbox_payments p LEFT JOIN sandbox_ledger l ON l.reference = p.reference AND l.currency = p.currency
  GROUP BY p.order_id, p.currency`
const ORDERS = 'SELECT order_id, status, total_minor, refunded_minor, currency FROM order_view'

/** I2: what the provider's own ledger kept is what confirmed orders cost, order by order and currency by currency. */
export async function checkMoney(books: Books): Promise<Finding> {
  const provider = await books.read<
    Record<keyof Moved, string> & { order_id: string; currency: string; captures: number }
  >('sandbox', PROVIDER)
  const orders = await books.read<{
    order_id: string
    status: string
    total_minor: string
    refunded_minor: string
    currency: string
  }>('order', ORDERS)
  const moved = new Map(
    provider.map((row) => [
      `${row.order_id} ${row.currency}`,
      {
        captured: Number(row.captured),
        refunded: Number(row.refunded),
        authorized: Number(row.authorized),
        voided: Number(row.voided),
      },
    ]),
  )
  const violations = provider
    .filter(({ captures }) => captures > 1)
    .map(({ order_id }) => `order ${order_id} was captured more than once`)
  const known = new Set<string>()
  for (const { order_id, status, total_minor, currency } of orders) {
    const key = `${order_id} ${currency}`
    known.add(key)
    const { captured = 0, refunded = 0, authorized = 0, voided = 0 } = moved.get(key) ?? {}
    const due = status === 'confirmed' ? Number(total_minor) : 0
    if (captured - refunded !== due)
      violations.push(
        `order ${order_id} is ${status}: the provider keeps ${captured - refunded} ${currency}, due are ${due}`,
      )
    if (status !== 'confirmed' && authorized - voided - captured > 0)
      violations.push(
        `order ${order_id} is ${status}, but the provider still holds ${authorized - voided - captured} ${currency}`,
      )
  }
  for (const [key, { captured, refunded }] of moved)
    if (!known.has(key) && captured !== refunded)
      violations.push(`the provider keeps money for ${key}, an order that does not exist`)
  const total = (pick: keyof Moved) => [...moved.values()].reduce((sum, row) => sum + row[pick], 0)
  return finding('I2', "the provider's ledger equals the orders", {
    counts: {
      orders: orders.length,
      providerPayments: provider.length,
      capturedMinor: total('captured'),
      refundedMinor: total('refunded'),
    },
    violations,
  })
}
