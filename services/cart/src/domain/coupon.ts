import { type Money, money } from '@micromart/kernel/money'
import { err, ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'

/** What a coupon takes off: fixed when it is made, so a cart may keep a copy. The code is in capitals. */
export type CouponTerms =
  | { readonly code: string; readonly kind: 'percent'; readonly percent: number }
  | { readonly code: string; readonly kind: 'amount'; readonly amount: Money }

/** Until when and how often; null sets no limit. Good from `startsAt` on and before `endsAt`. */
export interface CouponLimits {
  readonly mostUses: number | null
  readonly mostUsesPerCustomer: number | null
  readonly startsAt: Date | null
  readonly endsAt: Date | null
}

export interface Coupon extends CouponLimits {
  readonly terms: CouponTerms
  /** By orders that were not cancelled. */
  readonly uses: number
  readonly createdAt: Date
  /** One more with every change by the staff; uses do not count. */
  readonly version: number
}

/** Why a shopper cannot use a coupon. */
export type CouponRefusal = Refusal<
  | 'cart.coupon-currency-mismatch'
  | 'cart.coupon-expired'
  | 'cart.coupon-not-valid'
  | 'cart.coupon-used-before'
  | 'cart.coupon-used-up'
>

/** Why the staff cannot make or change one. */
export type LimitsRefusal = Refusal<'coupon.bad-period' | 'coupon.limit-below-uses'>

/** Only ASCII: a dotless i in capitals would be an I like any other. */
const CODE = /^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$/

/** The code as it is stored; undefined for what no code can be. Capitals do not matter to a shopper. */
export const couponCode = (text: string): string | undefined => (CODE.test(text) ? text.toUpperCase() : undefined)

/**
 * What the coupon takes off a subtotal, never more than all of it. A percentage is taken of the whole cart and rounded half up to whole
 * minor units: 15 % of 10.10 is 1.515 and takes off 1.52. An amount counts only in its own currency.
 */
export function discountFor(terms: CouponTerms, subtotal: Money): Money {
  if (terms.kind === 'percent') {
    const minor = (BigInt(subtotal.minor) * BigInt(terms.percent) + 50n) / 100n // exact also where a product of numbers is not
    return money(Number(minor), subtotal.currency)
  }
  if (terms.amount.currency !== subtotal.currency) return money(0, subtotal.currency)
  return money(Math.min(terms.amount.minor, subtotal.minor), subtotal.currency)
}

/** One that is not yet good answers like one that does not exist, so that guessing codes finds none before its time. */
const notValid = refuse('cart.coupon-not-valid', 'This coupon code is not valid')

export const usedUp = refuse('cart.coupon-used-up', 'This coupon has been used as often as it may be')

export const usedBefore = refuse('cart.coupon-used-before', 'You have used this coupon as often as you may')

/** The coupon, if it can be used at this time; whether this customer may is told by the checkout. */
export function usableAt(coupon: Coupon | undefined, at: Date): Result<Coupon, CouponRefusal> {
  if (!coupon || (coupon.startsAt !== null && at < coupon.startsAt)) return notValid
  if (coupon.endsAt !== null && at >= coupon.endsAt) return refuse('cart.coupon-expired', 'This coupon has expired')
  if (coupon.mostUses !== null && coupon.uses >= coupon.mostUses) return usedUp
  return ok(coupon)
}

/** A new coupon that nobody has used yet. */
export function newCoupon(terms: CouponTerms, limits: CouponLimits, createdAt: Date): Result<Coupon, LimitsRefusal> {
  const fault = periodFault(limits)
  return fault ? err(fault) : ok({ ...limits, terms, uses: 0, createdAt, version: 1 })
}

/** Changes some limits. No limit can be set below what was used already: `mostByOneCustomer` is the most that one customer has. */
export function changeLimits(
  coupon: Coupon,
  change: Partial<CouponLimits>,
  mostByOneCustomer: number,
): Result<Coupon, LimitsRefusal> {
  const changed = { ...coupon, ...change, version: coupon.version + 1 }
  const fault = periodFault(changed)
  if (fault) return err(fault)
  if (changed.mostUses !== null && changed.mostUses < coupon.uses)
    return refuse('coupon.limit-below-uses', `The coupon has ${coupon.uses} uses already`)
  if (changed.mostUsesPerCustomer !== null && changed.mostUsesPerCustomer < mostByOneCustomer)
    return refuse('coupon.limit-below-uses', `One customer has used it ${mostByOneCustomer} times already`)
  return ok(changed)
}

const periodFault = ({ startsAt, endsAt }: CouponLimits): LimitsRefusal | undefined =>
  startsAt !== null && endsAt !== null && endsAt <= startsAt
    ? { code: 'coupon.bad-period', detail: 'endsAt has to come after startsAt' }
    : undefined
