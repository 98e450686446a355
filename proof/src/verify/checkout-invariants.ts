import type { Books } from './books.ts'
import { type CouponRow, discountDue } from './discount-due.ts'
import { type Finding, finding } from './finding.ts'

interface Line {
  readonly sku: string
  readonly quantity: number
  readonly unitPrice: { readonly minor: number; readonly currency: string }
}

interface Checkout {
  readonly order_id: string
  readonly cart_id: string
  readonly lines: readonly Line[]
  readonly total_minor: string
  readonly discount_minor: string
  readonly coupon_code: string | null
  readonly currency: string
}

interface OrderRow {
  readonly order_id: string
  readonly status: string
  readonly lines: readonly Line[]
  readonly total_minor: string
  readonly discount_minor: string
  readonly coupon_code: string | null
  readonly currency: string
}

const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])
const CHECKOUTS = 'SELECT order_id, cart_id, lines, total_minor, discount_minor, coupon_code, currency FROM checkouts'
const ORDERS = 'SELECT order_id, status, lines, total_minor, discount_minor, coupon_code, currency FROM order_view'

const readOrders = async (books: Books) =>
  new Map((await books.read<OrderRow>('order', ORDERS)).map((row) => [row.order_id, row]))

/** Orders that have not come to an end yet, and checkouts whose order has not even been placed. */
export async function countUnfinished(books: Books): Promise<number> {
  const orders = await readOrders(books)
  const checkouts = await books.read<Checkout>('cart', CHECKOUTS)
  return checkouts.filter(({ order_id }) => !FINAL.has(orders.get(order_id)?.status ?? '')).length
}

/** I3: every accepted checkout comes to an end. */
export async function checkEnds(books: Books): Promise<Finding> {
  const checkouts = await books.read<Checkout>('cart', CHECKOUTS)
  const orders = await readOrders(books)
  const counts: Record<string, number> = { checkouts: checkouts.length, confirmed: 0, cancelled: 0, refunded: 0 }
  const violations: string[] = []
  for (const { order_id } of checkouts) {
    const status = orders.get(order_id)?.status
    if (status !== undefined && FINAL.has(status)) counts[status] = (counts[status] ?? 0) + 1
    else violations.push(`checkout ${order_id} was accepted, its order is ${status ?? 'missing'}`)
  }
  const accepted = new Set(checkouts.map(({ order_id }) => order_id))
  for (const id of orders.keys()) if (!accepted.has(id)) violations.push(`order ${id} was never checked out`)
  return finding('I3', 'every accepted checkout comes to an end', { counts, violations })
}

interface Charge {
  readonly order_id: string
  readonly amount_minor: string
  readonly currency: string
}
const CHARGES = 'SELECT order_id, amount_minor, currency FROM sandbox_payments'
const COUPONS = 'SELECT code, kind, percent, amount_minor, currency FROM coupons'

/** I6: the lines, added up here, less what their coupon takes off, are the total of the checkout, of the order and of the authorised amount. */
export async function checkTotals(books: Books): Promise<Finding> {
  const checkouts = await books.read<Checkout>('cart', CHECKOUTS)
  const orders = await readOrders(books)
  const charges = new Map((await books.read<Charge>('sandbox', CHARGES)).map((row) => [row.order_id, row]))
  const coupons = new Map((await books.read<CouponRow>('cart', COUPONS)).map((row) => [row.code, row]))
  return finding('I6', 'cart, order and charge have one total', {
    counts: {
      checkouts: checkouts.length,
      discounted: checkouts.filter(({ coupon_code }) => coupon_code !== null).length,
      orders: orders.size,
      charges: charges.size,
    },
    violations: checkouts.flatMap((checkout) => [
      ...judgeDiscount(checkout, coupons),
      ...judgeTotals(checkout, orders.get(checkout.order_id), charges.get(checkout.order_id)),
    ]),
  })
}

function judgeDiscount(checkout: Checkout, coupons: ReadonlyMap<string, CouponRow>): readonly string[] {
  const { order_id, lines, discount_minor, coupon_code, currency } = checkout
  const due = coupon_code === null ? 0n : discountDue(coupons.get(coupon_code), sumOf(lines), currency)
  if (due === undefined) return [`checkout ${order_id} used the coupon ${coupon_code}, which it could not`]
  return BigInt(discount_minor) === due
    ? []
    : [`checkout ${order_id}: its coupon takes off ${due}, its discount says ${discount_minor}`]
}

function judgeTotals(checkout: Checkout, order: OrderRow | undefined, charge: Charge | undefined): readonly string[] {
  const { order_id, lines, total_minor, discount_minor, currency } = checkout
  const due = dueOf(checkout)
  const isDue = (minor: string | bigint, of: string) => BigInt(minor) === due && of === currency
  const sameOrder = !order || (isDue(order.total_minor, order.currency) && isDue(dueOf(order), order.currency))
  const sameCoupon = !order || order.coupon_code === checkout.coupon_code
  const sameCharge = !charge || isDue(charge.amount_minor, charge.currency)
  return [
    isDue(total_minor, currency)
      ? ''
      : `checkout ${order_id}: its lines make ${sumOf(lines)}, its discount is ${discount_minor}, its total says ${total_minor}`,
    lines.every(({ unitPrice }) => unitPrice.currency === currency) ? '' : `checkout ${order_id} mixes currencies`,
    sameOrder ? '' : `order ${order_id} has another total than its cart`,
    sameCoupon ? '' : `order ${order_id} has another coupon than its cart`,
    sameCharge
      ? ''
      : `order ${order_id}: the provider was asked for ${charge?.amount_minor} ${charge?.currency} instead of ${due} ${currency}`,
  ].filter((sentence) => sentence !== '')
}

const sumOf = (lines: readonly Line[]) =>
  lines.reduce((sum, { quantity, unitPrice }) => sum + BigInt(quantity) * BigInt(unitPrice.minor), 0n)

const dueOf = ({ lines, discount_minor }: Pick<Checkout, 'lines' | 'discount_minor'>) =>
  sumOf(lines) - BigInt(discount_minor)
