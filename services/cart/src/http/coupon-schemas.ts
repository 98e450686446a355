import { MoneyBody } from '@micromart/contracts/message'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import Type, { type Static } from 'typebox'
import { type Coupon, type CouponLimits, type CouponTerms, couponCode } from '../domain/coupon.ts'

export type TermsRefusal = Refusal<'coupon.bad-terms'>

const strict = { additionalProperties: false }

const Code = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$',
  description: '3 to 40 letters, digits, - and _; capitals do not matter. Whoever guesses it may use it: make it long',
})

export const CodeBody = Type.Object({ code: Code }, strict)

/** RFC 3339 in UTC, in years that every database knows. */
const instant = (description: string) =>
  Type.Optional(
    Type.Union([
      Type.String({
        format: 'date-time',
        pattern: '^2\\d{3}-\\d{2}-\\d{2}T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,3})?Z$',
        description,
      }),
      Type.Null(),
    ]),
  )

const limit = (description: string) =>
  Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 2_147_483_647, description }), Type.Null()]))

const limits = {
  mostUses: limit('by all customers together'),
  mostUsesPerCustomer: limit('by one account, or one e-mail address of guests'),
  startsAt: instant('from then on, RFC 3339 in UTC'),
  endsAt: instant('before then, RFC 3339 in UTC'),
}

/** One flat object: a union would answer a small mistake with the faults of every branch. */
export const NewCouponBody = Type.Object(
  {
    code: Code,
    kind: Type.Enum(['percent', 'amount']),
    percent: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'for percent: of the whole cart, rounded half up' }),
    ),
    amount: Type.Optional(
      Type.Object(
        { ...MoneyBody.properties, minor: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) },
        { ...strict, description: 'for amount: off carts in its currency' },
      ),
    ),
    ...limits,
  },
  strict,
)
type NewCouponBody = Static<typeof NewCouponBody>

export const LimitsBody = Type.Object(limits, { ...strict, minProperties: 1 })
export type LimitsBody = Static<typeof LimitsBody>

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const CouponBody = Type.Object({
  code: Type.String(),
  kind: Type.String({ description: 'percent or amount' }),
  percent: Type.Optional(Type.Integer()),
  amount: Type.Optional(MoneyBody),
  mostUses: orNull(Type.Integer()),
  mostUsesPerCustomer: orNull(Type.Integer()),
  uses: Type.Integer({ description: 'by orders that were not cancelled' }),
  startsAt: orNull(Type.String()),
  endsAt: orNull(Type.String()),
  createdAt: Type.String(),
  version: Type.Integer({ description: 'also the ETag; uses do not change it' }),
})
export type CouponBody = Static<typeof CouponBody>

export const CouponPageBody = Type.Object({ items: Type.Array(CouponBody), nextCursor: orNull(Type.String()) })

export const bodyOf = ({ terms, startsAt, endsAt, createdAt, ...coupon }: Coupon): CouponBody => ({
  ...terms,
  ...coupon,
  startsAt: startsAt?.toISOString() ?? null,
  endsAt: endsAt?.toISOString() ?? null,
  createdAt: createdAt.toISOString(),
})

/** What a body says the coupon takes off. */
export function termsIn({ code: typed, kind, percent, amount }: NewCouponBody): Result<CouponTerms, TermsRefusal> {
  const code = couponCode(typed)
  if (code === undefined) throw new Error('The schema has let through what is no code')
  if (kind === 'percent' && percent !== undefined && amount === undefined) return ok({ code, kind, percent })
  if (kind === 'amount' && amount !== undefined && percent === undefined) return ok({ code, kind, amount })
  return refuse('coupon.bad-terms', `A coupon of the kind ${kind} says ${kind}, and only that`)
}

/** The limits that a body names, and only those. */
export function limitsIn({ mostUses, mostUsesPerCustomer, startsAt, endsAt }: LimitsBody): Partial<CouponLimits> {
  const dateOf = (text: string | null) => (text === null ? null : new Date(text))
  return {
    ...(mostUses === undefined ? {} : { mostUses }),
    ...(mostUsesPerCustomer === undefined ? {} : { mostUsesPerCustomer }),
    ...(startsAt === undefined ? {} : { startsAt: dateOf(startsAt) }),
    ...(endsAt === undefined ? {} : { endsAt: dateOf(endsAt) }),
  }
}
