import type { CouponAnswer, CouponCall } from '../linearizability/coupon-model.ts'
import type { Operation } from '../linearizability/model.ts'
import type { History, Seen } from './read-history.ts'

export interface CouponHistory {
  readonly name: string
  readonly most: number | undefined
  readonly operations: readonly Operation<CouponCall, CouponAnswer>[]
}

type CouponCheckout = Seen<'checkout'> & { readonly call: { readonly coupon: string } }

const hasCoupon = (seen: Seen<'checkout'>): seen is CouponCheckout => seen.call.coupon !== undefined

/** Uses of each coupon, and each customer's uses of it. Coupons whose limits the history does not tell are not judged. */
export function couponHistories(history: History): readonly CouponHistory[] {
  const uses = Map.groupBy(history.of('checkout').filter(hasCoupon), ({ call }) => call.coupon)
  const made = history.of('coupon-make').filter(({ end }) => end !== 'fail')
  return made.flatMap(({ call: { key: code, mostUses, mostUsesPerCustomer } }) => {
    const all = uses.get(code) ?? []
    const customers = Map.groupBy(all, ({ call: { customer } }) => customer)
    return [
      { name: `coupon ${code}`, most: mostUses, operations: operationsOf(all, 'cart.coupon-used-up') },
      ...[...customers].flatMap(([customer, own]) =>
        customer === undefined
          ? []
          : [
              {
                ...{ name: `coupon ${code} of customer ${customer}`, most: mostUsesPerCustomer },
                operations: operationsOf(own, 'cart.coupon-used-before'),
              },
            ],
      ),
    ]
  })
}

/** One use for each idempotency key, however often it was sent, and perhaps its return when the order is off. */
function operationsOf(checkouts: readonly CouponCheckout[], refusal: string) {
  const attempts = Map.groupBy(checkouts, ({ call: { key, cart } }) => `${cart} ${key}`)
  return [...attempts.values()].flatMap((tries) => usesOf(tries, refusal))
}

function usesOf(tries: readonly CouponCheckout[], refusal: string): readonly Operation<CouponCall, CouponAnswer>[] {
  const [first] = tries
  if (!first) return []
  const use: CouponCall = { type: 'use' }
  const { from } = first
  const refused = tries.flatMap((seen): readonly Operation<CouponCall, CouponAnswer>[] =>
    seen.end === 'fail' && seen.facts.code === refusal
      ? [{ call: use, answer: 'used-up', from: seen.from, to: seen.to }]
      : [],
  )
  const accepted = tries.find(({ end }) => end === 'ok')
  const unknown = tries.some(({ end }) => end === 'unknown')
  if (!accepted && !unknown) return refused
  const back: Operation<CouponCall, CouponAnswer> = { call: { type: 'give-back' }, from, to: Number.POSITIVE_INFINITY }
  const taken: Operation<CouponCall, CouponAnswer> =
    accepted?.end === 'ok'
      ? { call: use, answer: 'used', from, to: accepted.to }
      : { call: use, from, to: Number.POSITIVE_INFINITY }
  return [...refused, taken, back]
}
