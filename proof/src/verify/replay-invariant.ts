import type { Books } from './books.ts'
import { type Compared, differences, hashOf, stateOf } from './canonical.ts'
import { type Finding, finding } from './finding.ts'
import { type OrderReplay, type ReplayedOrder, replayOrders } from './order-replay.ts'
import { compareSales } from './sales-replay.ts'

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
  SELECT order_id, customer_id, guest_token_hash, cart_id, status, reason, action_url, lines, discount_minor, coupon_code, total_minor,
    refunded_minor, currency,
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
  ...{
    discount_minor: String(purchase.discount?.amount.minor ?? 0),
    coupon_code: purchase.discount?.couponCode ?? null,
  },
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
  FROM ledger_entries GROUP BY payment_id, currency HAVING sum(debit_minor) > 0`
const PAID = `
  SELECT payment_id, currency, amount_minor, status FROM payments
  WHERE status IN ('captured', 'refunding', 'refunded') AND amount_minor > 0`

/** Money that moved: what the ledger has booked is what the payments say, whole amounts only. Where nothing is to pay none moves. */
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
