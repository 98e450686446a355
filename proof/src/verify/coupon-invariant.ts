import type { Books } from './books.ts'
import { type Finding, finding } from './finding.ts'

interface Coupon {
  readonly code: string
  readonly most_uses: number | null
  readonly most_uses_per_customer: number | null
  readonly uses: number
}

interface Use {
  readonly order_id: string
  readonly code: string
  readonly customer: string
  readonly discount_minor: string
  readonly is_back: boolean
}

interface DiscountedCheckout {
  readonly order_id: string
  readonly coupon_code: string | null
  readonly discount_minor: string
}

const COUPONS = 'SELECT code, most_uses, most_uses_per_customer, uses FROM coupons'
const USES = 'SELECT order_id, code, customer, discount_minor, given_back_at IS NOT NULL AS is_back FROM coupon_uses'
const CHECKOUTS = 'SELECT order_id, coupon_code, discount_minor FROM checkouts WHERE coupon_code IS NOT NULL'
const ORDERS = 'SELECT order_id, status FROM order_view'

/** I9: a coupon is used as often as it may be, in all and by each customer, by checkouts with its discount, and comes back when they are off. */
export async function checkCoupons(books: Books): Promise<Finding> {
  const coupons = await books.read<Coupon>('cart', COUPONS)
  const uses = coupons.length > 0 ? await books.read<Use>('cart', USES) : []
  const checkouts = coupons.length > 0 ? await books.read<DiscountedCheckout>('cart', CHECKOUTS) : []
  const orders = await books.read<{ order_id: string; status: string }>('order', ORDERS)
  const useOf = new Map(uses.map((use) => [use.order_id, use]))
  const checkoutOf = new Map(checkouts.map((checkout) => [checkout.order_id, checkout]))
  const statusOf = new Map(orders.map(({ order_id, status }) => [order_id, status]))
  return finding('I9', 'coupons stay within their limits', {
    counts: { coupons: coupons.length, uses: uses.length, givenBack: uses.filter(({ is_back }) => is_back).length },
    violations: [
      ...judgeLimits(coupons, uses),
      ...uses.flatMap((use) => judgeUse(use, checkoutOf.get(use.order_id), statusOf.get(use.order_id))),
      ...checkouts
        .filter(({ order_id }) => !useOf.has(order_id))
        .map(
          ({ order_id, coupon_code }) => `checkout ${order_id} has the coupon ${coupon_code} without having used it`,
        ),
    ],
  })
}

/** No coupon where coupons are not known yet. */
function judgeLimits(coupons: readonly Coupon[], uses: readonly Use[]): readonly string[] {
  const standing = uses.filter(({ is_back }) => !is_back)
  const byCode = Map.groupBy(standing, ({ code }) => code)
  return coupons.flatMap(({ code, most_uses, most_uses_per_customer, uses: counted }) => {
    const used = byCode.get(code) ?? []
    const customers = Map.groupBy(used, ({ customer }) => customer)
    const most = Math.max(0, ...[...customers.values()].map(({ length }) => length))
    return [
      used.length === counted ? '' : `coupon ${code} is used ${used.length} times, its counter says ${counted}`,
      most_uses === null || used.length <= most_uses
        ? ''
        : `coupon ${code} is used ${used.length} times of ${most_uses}`,
      most_uses_per_customer === null || most <= most_uses_per_customer
        ? ''
        : `coupon ${code} is used ${most} times by one customer, who may ${most_uses_per_customer} times`,
    ].filter((sentence) => sentence !== '')
  })
}

function judgeUse(
  { order_id, code, discount_minor, is_back }: Use,
  checkout: DiscountedCheckout | undefined,
  status: string | undefined,
): readonly string[] {
  const isOff = status === 'cancelled' || status === 'refunded'
  return [
    checkout?.coupon_code === code && checkout.discount_minor === discount_minor
      ? ''
      : `order ${order_id} has used the coupon ${code}, but it was not checked out with its discount of ${discount_minor}`,
    isOff && !is_back ? `order ${order_id} is ${status}, but its use of the coupon ${code} was not given back` : '',
    status === 'confirmed' && is_back ? `order ${order_id} is confirmed, but its use of ${code} was given back` : '',
  ].filter((sentence) => sentence !== '')
}
