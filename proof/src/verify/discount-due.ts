/** A coupon as the cart service keeps it. */
export interface CouponRow {
  readonly code: string
  readonly kind: string
  readonly percent: number | null
  readonly amount_minor: string | null
  readonly currency: string | null
}

/**
 * What a coupon takes off a sum, by arithmetic of its own: a percentage to the nearest whole minor unit, a half upwards, or an amount in its
 * currency, and never more than the sum. Undefined when the coupon can take nothing off, because it does not exist or is for another currency.
 */
export function discountDue(coupon: CouponRow | undefined, sum: bigint, currency: string): bigint | undefined {
  if (!coupon) return undefined
  if (coupon.kind === 'percent' && coupon.percent !== null) {
    const hundredths = sum * BigInt(coupon.percent)
    const rest = hundredths % 100n
    return (hundredths - rest) / 100n + (rest >= 50n ? 1n : 0n)
  }
  if (coupon.amount_minor === null || coupon.currency !== currency) return undefined
  const amount = BigInt(coupon.amount_minor)
  return amount > sum ? sum : amount
}
