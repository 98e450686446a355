import type { Books } from './books.ts'
import { differences, hashOf, type State, stateOf } from './canonical.ts'
import { type Finding, finding } from './finding.ts'
import { type OrderReplay, type ReplayedOrder, replayOrders } from './order-replay.ts'

interface Compared {
  readonly replayed: State
  readonly stored: State
}

/** I7: the logs, replayed into nothing, give what the services have stored: row by row and in one hash a service. */
export async function checkReplay(books: Books): Promise<Finding> {
  const log = await replayOrders(books)
  const services: Readonly<Record<string, Compared>> = {
    order: await compareOrders(books, log),
    inventory: await compareStock(books),
    payment: await comparePayments(books),
    analytics: await compareSales(books, log),
  }
  const compared = Object.entries(services)
  const hash = ({ replayed, stored }: Compared) => ({ replayed: hashOf(replayed), stored: hashOf(stored) })
  return finding('I7', 'the logs replayed are what is stored', {
    counts: { events: log.events, rows: compared.reduce((sum, [, { replayed }]) => sum + replayed.size, 0) },
    violations: [
      ...log.violations,
      ...compared.flatMap(([name, { replayed, stored }]) => differences(replayed, stored, name)),
    ],
    hashes: Object.fromEntries(compared.map(([name, states]) => [name, hash(states)])),
  })
}

const VIEW = `
  SELECT order_id, customer_id, guest_token_hash, cart_id, status, reason, action_url, lines, total_minor, refunded_minor, currency,
    version, placed_at, updated_at
  FROM order_view`

async function compareOrders(books: Books, { orders }: OrderReplay): Promise<Compared> {
  const stored = await books.read<Record<string, unknown> & { order_id: string }>('order', VIEW)
  const keyOf = ({ order_id }: { order_id: string }) => order_id
  return { replayed: stateOf([...orders.values()].map(viewRow), keyOf), stored: stateOf(stored, keyOf) }
}

const viewRow = ({ orderId, purchase, ...order }: ReplayedOrder) => ({
  ...{ order_id: orderId, cart_id: purchase.cartId, lines: purchase.lines },
  ...{ customer_id: purchase.customerId, guest_token_hash: purchase.guestTokenHash },
  ...{ status: order.status, reason: order.reason, action_url: order.actionUrl, version: order.version },
  ...{ total_minor: String(purchase.total.minor), currency: purchase.total.currency },
  ...{ refunded_minor: String(order.refunded?.minor ?? 0), placed_at: order.placedAt, updated_at: order.updatedAt },
})

const MOVED = 'SELECT sku, sum(quantity)::bigint AS on_hand FROM movements GROUP BY sku'
const HELD = `SELECT lines FROM reservations WHERE status = 'held'`
const STOCK = 'SELECT sku, on_hand, reserved FROM stock'

/** Pieces: every movement since the first, and the promises that stand. */
async function compareStock(books: Books): Promise<Compared> {
  const moved = await books.read<{ sku: string; on_hand: string }>('inventory', MOVED)
  const held = await books.read<{ lines: readonly { sku: string; quantity: number }[] }>('inventory', HELD)
  const stored = await books.read<{ sku: string; on_hand: number; reserved: number }>('inventory', STOCK)
  const levels = new Map(moved.map(({ sku, on_hand }) => [sku, { sku, on_hand: Number(on_hand), reserved: 0 }]))
  for (const { sku, quantity } of held.flatMap(({ lines }) => lines)) {
    const level = levels.get(sku) ?? { sku, on_hand: 0, reserved: 0 }
    levels.set(sku, { ...level, reserved: level.reserved + quantity })
  }
  // a first count of none leaves a row and no movement
  const counted = stored.filter(({ sku, on_hand, reserved }) => levels.has(sku) || on_hand !== 0 || reserved !== 0)
  const keyOf = ({ sku }: { sku: string }) => sku
  return { replayed: stateOf([...levels.values()], keyOf), stored: stateOf(counted, keyOf) }
}

const BOOKED = `
  SELECT payment_id, currency, coalesce(sum(debit_minor) FILTER (WHERE kind = 'capture'), 0)::bigint AS captured,
    coalesce(sum(debit_minor) FILTER (WHERE kind = 'refund'), 0)::bigint AS refunded,
    count(*) FILTER (WHERE kind = 'refund')::int AS refunds
  FROM ledger_entries GROUP BY payment_id, currency`
const PAID = `
  SELECT payment_id, currency, amount_minor, status FROM payments WHERE status IN ('captured', 'refunding', 'refunded')`

/** Money that moved: what the ledger has booked is what the payments say, whole amounts only. */
async function comparePayments(books: Books): Promise<Compared> {
  type Booked = { payment_id: string; currency: string; captured: string; refunded: string; refunds: number }
  type Paid = { payment_id: string; currency: string; amount_minor: string; status: string }
  const booked = await books.read<Booked>('payment', BOOKED)
  const paid = await books.read<Paid>('payment', PAID)
  const keyOf = ({ payment_id }: { payment_id: string }) => payment_id
  const isBack = (status: string) => status === 'refunded'
  return {
    replayed: stateOf(
      booked.map(({ refunds, ...row }) => ({ ...row, status: refunds > 0 ? 'refunded' : 'captured' })),
      keyOf,
    ),
    stored: stateOf(
      paid.map(({ payment_id, currency, amount_minor, status }) => ({
        ...{ payment_id, currency, captured: amount_minor, refunded: isBack(status) ? amount_minor : '0' },
        status: isBack(status) ? 'refunded' : 'captured',
      })),
      keyOf,
    ),
  }
}

const SALES = 'SELECT order_id, day::text AS day, confirmed_at, currency, total_minor FROM sales'
const LINES =
  'SELECT order_id, line_id, day::text AS day, sku, title, quantity, currency, minor FROM sale_lines ORDER BY order_id, line_id'
const REFUNDS = 'SELECT order_id, day::text AS day, refunded_at, currency, minor FROM refunds'

/** Sales and refunds as analytics has heard them, against the log of the orders that caused them. */
async function compareSales(books: Books, { orders }: OrderReplay): Promise<Compared> {
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

const saleLineRows = ({ orderId, purchase, confirmedAt }: ReplayedOrder) =>
  confirmedAt === null
    ? []
    : purchase.lines.map(({ lineId, sku, title, quantity, unitPrice: { minor, currency } }) => ({
        ...{ order_id: orderId, line_id: lineId, day: dayOf(new Date(confirmedAt)) },
        ...{ sku, title, quantity, currency, minor: String(BigInt(minor) * BigInt(quantity)) },
      }))

const refundRows = ({ orderId, refunded }: ReplayedOrder) =>
  refunded
    ? [
        {
          ...{ order_id: orderId, day: dayOf(refunded.at), refunded_at: refunded.at },
          ...{ currency: refunded.currency, minor: String(refunded.minor) },
        },
      ]
    : []
