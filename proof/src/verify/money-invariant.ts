import type { Books } from './books.ts'
import { type Finding, finding } from './finding.ts'

/** What the provider moved for one order in one currency, in minor units. */
interface Moved {
  readonly order_id: string
  readonly currency: string
  readonly authorized: string
  readonly captured: string
  readonly voided: string
  readonly refunded: string
  readonly captures: number
}

interface OrderRow {
  readonly order_id: string
  readonly status: string
  readonly total_minor: string
  readonly currency: string
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
const BOOKED = `
  SELECT p.order_id, l.currency, sum(l.debit_minor - l.credit_minor)::bigint AS kept
  FROM ledger_entries l JOIN payments p USING (payment_id) WHERE l.account = 'provider-clearing'
  GROUP BY p.order_id, l.currency`
const ORDERS = 'SELECT order_id, status, total_minor, currency FROM order_view'

const accountOf = ({ order_id, currency }: { order_id: string; currency: string }) => `${order_id} ${currency}`
const keptOf = ({ captured, refunded }: Moved) => BigInt(captured) - BigInt(refunded)
const heldOf = ({ authorized, voided, captured }: Moved) => BigInt(authorized) - BigInt(voided) - BigInt(captured)

/** I2: what the provider's own ledger kept is what confirmed orders cost, and what we have booked, order by order and currency by currency. */
export async function checkMoney(books: Books): Promise<Finding> {
  const provider = await books.read<Moved>('sandbox', PROVIDER)
  const orders = await books.read<OrderRow>('order', ORDERS)
  const booked = await books.read<{ order_id: string; currency: string; kept: string }>('payment', BOOKED)
  const moved = new Map(provider.map((row) => [accountOf(row), row]))
  const known = new Set(orders.map(accountOf))
  const violations = [
    ...orders.flatMap((order) => judgeOrder(order, moved.get(accountOf(order)))),
    ...provider.flatMap((row) => judgeProvider(row, known)),
    ...judgeBooked(moved, new Map(booked.map((row) => [accountOf(row), BigInt(row.kept)]))),
  ]
  const sumOf = (pick: (row: Moved) => string) => provider.reduce((sum, row) => sum + Number(pick(row)), 0)
  return finding('I2', "the provider's ledger equals the orders", {
    counts: {
      orders: orders.length,
      providerPayments: provider.length,
      bookedPayments: booked.length,
      capturedMinor: sumOf(({ captured }) => captured),
      refundedMinor: sumOf(({ refunded }) => refunded),
    },
    violations,
  })
}

function judgeOrder({ order_id, status, total_minor, currency }: OrderRow, row: Moved | undefined): readonly string[] {
  const kept = row ? keptOf(row) : 0n
  const held = row ? heldOf(row) : 0n
  const due = status === 'confirmed' ? BigInt(total_minor) : 0n
  return [
    kept === due ? '' : `order ${order_id} is ${status}: the provider keeps ${kept} ${currency}, due are ${due}`,
    held === 0n ? '' : `order ${order_id} is ${status}, but the provider still holds ${held} ${currency}`,
  ].filter((sentence) => sentence !== '')
}

function judgeProvider(row: Moved, known: ReadonlySet<string>): readonly string[] {
  return [
    row.captures > 1 ? `order ${row.order_id} was captured more than once` : '',
    !known.has(accountOf(row)) && (keptOf(row) !== 0n || heldOf(row) !== 0n)
      ? `the provider has money of order ${row.order_id}, which does not exist in ${row.currency}`
      : '',
  ].filter((sentence) => sentence !== '')
}

/** Both ledgers, joined in full: an account that only one of them has is compared with nothing. */
function judgeBooked(moved: ReadonlyMap<string, Moved>, booked: ReadonlyMap<string, bigint>): readonly string[] {
  return [...new Set([...moved.keys(), ...booked.keys()])].flatMap((account) => {
    const row = moved.get(account)
    const [kept, ours] = [row ? keptOf(row) : 0n, booked.get(account) ?? 0n]
    return kept === ours ? [] : [`order ${account}: the provider keeps ${kept}, our ledger says ${ours}`]
  })
}
