import type { Model } from './model.ts'

/** `use` is a checkout with the coupon, `give-back` the end of an order that was cancelled: nobody hears when that happens. */
export type CouponCall = { readonly type: 'use' } | { readonly type: 'give-back' }

/** Whether the checkout was accepted, or refused because the coupon is used up. */
export type CouponAnswer = 'used' | 'used-up'

/** One coupon, or one customer's share of it: how often it is in use, never more than `most` (without it, as often as you like). */
export const couponModel = (most = Number.POSITIVE_INFINITY): Model<number, CouponCall, CouponAnswer> => ({
  initial: 0,
  onlyLooks: (_, answer) => answer === 'used-up',
  nameOf: String,
  step: (uses, { type }, answer) => {
    if (type === 'give-back') return uses > 0 ? uses - 1 : undefined
    const outcome: CouponAnswer = uses < most ? 'used' : 'used-up'
    if (answer !== undefined && answer !== outcome) return undefined
    return outcome === 'used' ? uses + 1 : uses
  },
})
